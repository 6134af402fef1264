//! Removing what was left behind.

use std::io::ErrorKind;

use super::{Core, NOT_FOUND, code, walk::count};
use crate::{
    error::TransportError,
    transport::{Binding, Deleted, LeftQueue},
    transports::rabbitmq::{
        declare::{Declaring, in_time},
        link::Up,
    },
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
/// at again, and if something came in until then, or anything goes wrong, they are put back. What is addressed to the queue
/// by its name between the second look and the deletion would go with it. Of consumers a quorum queue tells with some
/// seconds' delay.
pub(super) async fn delete(core: &Core, queue: &LeftQueue, with_messages: bool) -> Result<Deleted, TransportError> {
    let mut unbinding = false;
    let deleted = match try_to_delete(core, queue, with_messages, &mut unbinding).await {
        Err(error) if code(&error) == NOT_FOUND => return Ok(Deleted::Gone(0)),
        deleted => deleted.map_err(|error| core.failed("delete", &queue.name, &error)),
    };
    if unbinding && !matches!(deleted, Ok(Deleted::Gone(_))) {
        put_back(core, queue).await?;
    }
    deleted
}

/// As [`delete`], but for what is to be put back once it is `unbinding`.
async fn try_to_delete(
    core: &Core,
    queue: &LeftQueue,
    with_messages: bool,
    unbinding: &mut bool,
) -> Result<Deleted, lapin::Error> {
    let up = up(core).await?;
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
    *unbinding = true;
    for binding in &queue.bindings {
        on.unbind(binding).await?;
    }
    let last = look().await?;
    if let Some(refused) = refused(last) {
        return Ok(refused);
    }
    let deleted = on.delete(&queue.name).await?;
    Ok(Deleted::Gone(deleted.max(last.1)))
}

/// Puts a queue's bindings back, on a channel of its own: the other one may be closed.
async fn put_back(core: &Core, queue: &LeftQueue) -> Result<(), TransportError> {
    let putting = async {
        let up = up(core).await?;
        let on = Declaring::on(&up, &core.options).await?;
        for binding in &queue.bindings {
            on.bind(binding).await?;
        }
        on.close().await;
        Ok(())
    };
    match putting.await {
        // The deletion went through, although its answer did not come.
        Err(error) if code(&error) == NOT_FOUND => Ok(()),
        put_back => put_back.map_err(|error| {
            let bindings: Vec<String> = queue.bindings.iter().map(ToString::to_string).collect();
            core.failed("put bindings back, which are missing now", &bindings.join(", "), &error)
        }),
    }
}

/// The connection, if there is one soon.
async fn up(core: &Core) -> Result<Up, lapin::Error> {
    in_time(async { core.consume.up().await.ok_or_else(|| std::io::Error::from(ErrorKind::NotConnected).into()) }).await
}
