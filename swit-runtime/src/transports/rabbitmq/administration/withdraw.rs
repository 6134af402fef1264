//! Taking back what was declared for one subscriber, while the service runs.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Core, NOT_FOUND, clear, code};
use crate::{
    error::TransportError,
    transport::{Deleted, LeftQueue, Queue},
    transports::rabbitmq::{
        declare::Declaring,
        names::{Step, retry_queue},
        wanted::Wanted,
    },
};

/// How long it is waited for the broker to see that its last consumer is gone: of a quorum queue it tells with some
/// seconds' delay.
const SEEN_GONE: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(250);

/// Takes a subscriber's queue back, with its bindings and the queues in which its retries wait.
pub(in crate::transports::rabbitmq) async fn withdraw(
    core: &Core,
    queue: &Queue,
    with_messages: bool,
) -> Result<Deleted, TransportError> {
    if !core.options.declare {
        let reason =
            format!("the queue `{}` was not made here (`declare = false`); delete it where it is made", queue.name);
        return Err(TransportError::new(core.name.clone(), "withdraw", reason));
    }
    // Before anything is deleted, so that nobody makes it again.
    core.forget(&queue.name);
    let withdrawn = try_to_withdraw(core, queue, with_messages).await;
    if !matches!(withdrawn, Ok(Deleted::Gone(_))) {
        core.remember(std::slice::from_ref(queue));
    }
    withdrawn
}

async fn try_to_withdraw(core: &Core, queue: &Queue, with_messages: bool) -> Result<Deleted, TransportError> {
    let mut waiting = 0;
    for step in Step::all() {
        waiting += count(core, &retry_queue(&queue.name, step)).await?;
    }
    if waiting > 0 && !with_messages {
        return Ok(Deleted::HoldsMessages(waiting));
    }
    let mut left = LeftQueue::new(queue.name.clone());
    left.bindings = Wanted::of(queue, &core.options).bindings;
    left.bindings.retain(|binding| binding.queue == queue.name);
    let patience = Instant::now() + SEEN_GONE;
    let deleted = loop {
        match clear::delete(core, &left, with_messages).await? {
            Deleted::IsConsumed if Instant::now() < patience => sleep(LOOK).await,
            deleted => break deleted,
        }
    };
    let Deleted::Gone(messages) = deleted else { return Ok(deleted) };
    // What is left of it: the queues of its retries, and what brought its dead letters to theirs.
    let Some(up) = core.consume.up().await else { return Err(core.closed("withdraw")) };
    let rest = async {
        let on = Declaring::on(&up, &core.options).await?;
        on.withdraw(queue).await?;
        on.close().await;
        Ok::<_, lapin::Error>(())
    };
    match rest.await {
        Err(error) if code(&error) != NOT_FOUND => Err(core.failed("withdraw", &queue.name, &error)),
        _ => Ok(Deleted::Gone(messages + waiting)),
    }
}

/// How many messages lie in a queue; none if there is no such queue, which ends the channel that asked.
async fn count(core: &Core, name: &str) -> Result<u64, TransportError> {
    let Some(up) = core.consume.up().await else { return Err(core.closed("withdraw")) };
    let counting = async {
        let on = Declaring::on(&up, &core.options).await?;
        let found = on.queue_exists(name).await?.ready;
        on.close().await;
        Ok(found)
    };
    match counting.await {
        Err(error) if code(&error) == NOT_FOUND => Ok(0),
        found => found.map_err(|error| core.failed("withdraw", name, &error)),
    }
}
