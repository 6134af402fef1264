//! Removing what was left behind.

use super::{Core, NOT_FOUND, code};
use crate::{
    error::TransportError,
    transport::{Binding, Deleted, LeftQueue},
    transports::rabbitmq::declare::{Counts, Declaring},
};

pub(super) async fn unbind(core: &Core, binding: &Binding) -> Result<(), TransportError> {
    let Some(up) = core.consume.up().await else { return Err(core.closed("unbind")) };
    let removing = async {
        let on = Declaring::on(&up, &core.options).await?;
        on.unbind(binding).await?;
        on.close().await;
        Ok(())
    };
    match removing.await {
        Err(error) if code(&error) != NOT_FOUND => Err(core.failed("unbind", &binding.to_string(), &error)),
        _ => Ok(()),
    }
}

/// Deletes a queue if nobody consumes it and, unless `with_messages`, nothing lies in it.
///
/// Quorum queues can't be asked to delete themselves only if they are empty. So its bindings go first, then it is looked
/// at again, and if something came in until then, they are put back. What is addressed to the queue by name between the
/// second look and the deletion would go with it; the broker counts that, and it is reported.
pub(super) async fn delete(core: &Core, queue: &LeftQueue, with_messages: bool) -> Result<Deleted, TransportError> {
    let Some(up) = core.consume.up().await else { return Err(core.closed("delete")) };
    let deleting = async {
        let on = Declaring::on(&up, &core.options).await?;
        let refused = |counts: Counts| match counts {
            Counts { consumers: 1.., .. } => Some(Deleted::IsConsumed),
            Counts { ready: ready @ 1.., .. } if !with_messages => Some(Deleted::HoldsMessages(ready)),
            _ => None,
        };
        if let Some(refused) = refused(on.queue_exists(&queue.name).await?) {
            return Ok(refused);
        }
        for binding in &queue.bindings {
            on.unbind(binding).await?;
        }
        if let Some(refused) = refused(on.queue_exists(&queue.name).await?) {
            for binding in &queue.bindings {
                on.bind(binding).await?;
            }
            return Ok(refused);
        }
        let deleted = on.delete(&queue.name).await?;
        on.close().await;
        Ok(Deleted::Gone(deleted))
    };
    match deleting.await {
        Err(error) if code(&error) == NOT_FOUND => Ok(Deleted::Gone(0)),
        deleted => deleted.map_err(|error| core.failed("delete", &queue.name, &error)),
    }
}
