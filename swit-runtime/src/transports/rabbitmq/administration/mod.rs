//! What operators do: compare what is on the broker with what is wanted, clear it of what was left behind, walk over
//! dead letters.
//!
//! AMQP 0-9-1 tells whether a thing exists, how much lies in a queue and, on being asked to declare it, whether it is as
//! wanted. It lists nothing: what an earlier deployment left behind is only known over the management API.

mod batches;
mod clear;
mod compare;
mod death;
mod http;
mod leftovers;
mod listing;
mod management;
mod ready;
mod walk;
mod withdraw;

pub use management::{Management, ManagementError};
pub(super) use ready::ready;
pub(super) use withdraw::withdraw;

use super::{RabbitMqTransport, core::Core};
use crate::{
    error::TransportError,
    transport::{Binding, BoxFuture, Comparison, Deleted, Known, LeftQueue, Provision, Queue, Walk, Walker},
};

impl Provision for RabbitMqTransport {
    fn compare<'a>(
        &'a self,
        service: &'a str,
        queues: &'a [Queue],
        known: &'a Known,
    ) -> BoxFuture<'a, Result<Comparison, TransportError>> {
        Box::pin(compare::compare(&self.core, service, queues, known))
    }

    fn make<'a>(&'a self, queues: &'a [Queue]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(self.core.make(queues))
    }

    fn unbind<'a>(&'a self, binding: &'a Binding) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(clear::unbind(&self.core, binding))
    }

    fn delete<'a>(
        &'a self,
        queue: &'a LeftQueue,
        with_messages: bool,
    ) -> BoxFuture<'a, Result<Deleted, TransportError>> {
        Box::pin(clear::delete(&self.core, queue, with_messages))
    }
}

impl Walker for RabbitMqTransport {
    fn walk<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<Option<Box<dyn Walk>>, TransportError>> {
        Box::pin(walk::walk(&self.core, queue))
    }
}

/// The protocol's code of an error; 0 where the broker said nothing.
fn code(error: &lapin::Error) -> u16 {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(error) => error.get_id(),
        _ => 0,
    }
}

const NOT_FOUND: u16 = 404;
const PRECONDITION_FAILED: u16 = 406;
const ACCESS_REFUSED: u16 = 403;
