//! Removing what was left behind.

use super::{Core, NOT_FOUND, code, walk::count};
use crate::{
    error::TransportError,
    transport::{Binding, Deleted, LeftQueue},
    transports::rabbitmq::declare::Declaring,
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
/// at again, and if something came in until then, they are put back. What is addressed to the queue by its name between the
/// second look and the deletion would go with it. Of consumers a quorum queue tells with some seconds' delay.
pub(super) async fn delete(core: &Core, queue: &LeftQueue, with_messages: bool) -> Result<Deleted, TransportError> {
    let Some(up) = core.consume.up().await else { return Err(core.closed("delete")) };
    let deleting = async {
        let on = Declaring::on(&up, &core.options).await?;
        let look = async || {
            let consumers = on.queue_exists(&queue.name).await?.consumers;
            Ok::<_, lapin::Error>((consumers, count(on.channel(), &queue.name).await?))
        };
        let refused = |(consumers, messages): (u64, u64)| match (consumers, messages) {
            (1.., _) => Some(Deleted::IsConsumed),
            (_, 1..) if !with_messages => Some(Deleted::HoldsMessages(messages)),
            _ => None,
        };
        if let Some(refused) = refused(look().await?) {
            return Ok(refused);
        }
        for binding in &queue.bindings {
            on.unbind(binding).await?;
        }
        let last = look().await?;
        if let Some(refused) = refused(last) {
            for binding in &queue.bindings {
                on.bind(binding).await?;
            }
            return Ok(refused);
        }
        let deleted = on.delete(&queue.name).await?;
        Ok(Deleted::Gone(deleted.max(last.1)))
    };
    match deleting.await {
        Err(error) if code(&error) == NOT_FOUND => Ok(Deleted::Gone(0)),
        deleted => deleted.map_err(|error| core.failed("delete", &queue.name, &error)),
    }
}
