//! How many messages lie ready in queues, as the broker says without being looked into: a passive declaration each.
//!
//! Of a quorum queue it is some seconds old.

use super::Core;
use crate::{text::Text, transports::rabbitmq::declare::Declaring};

/// On a channel of its own. A queue that is not there, or may not be asked, ends the channel, as the protocol has it; the
/// next one is asked on another.
pub(in crate::transports::rabbitmq) async fn ready(core: &Core, queues: &[Text]) -> Vec<Option<u64>> {
    let mut found = vec![None; queues.len()];
    // Not waited for: whoever asks wants to know what is now.
    let Some(up) = core.consume.standing() else { return found };
    let mut channel = None;
    for (queue, found) in queues.iter().zip(&mut found) {
        let on = match channel.take() {
            Some(on) => on,
            None => match Declaring::on(&up, &core.options).await {
                Ok(on) => on,
                Err(_) => break,
            },
        };
        if let Ok(counts) = on.queue_exists(queue).await {
            *found = Some(counts.ready);
            channel = Some(on);
        }
    }
    if let Some(on) = channel {
        on.close().await;
    }
    found
}
