//! Replaying: dead letters go back to the queue that they died in.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{DeadLetters, Letter, Selection};
use crate::{
    error::{Error, PublishError, Result},
    id::MessageId,
    pipeline::replayed,
    text::Text,
    transport::{Place, Publication, Publishing, Room, Target, Walk},
};

/// Most copies that are published and not confirmed yet, and most bytes of them: what a replay keeps in memory.
const MOST_IN_FLIGHT: usize = 256;
const MOST_BYTES_IN_FLIGHT: usize = 8 * 1024 * 1024;
/// How long a copy may wait for room and its confirmation.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many of those that were kept are named.
const MOST_NAMED: usize = 20;

/// What a replay did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Replayed {
    /// How many messages were looked at.
    pub looked_at: u64,
    /// How many were put back, by the queue that they were put into; of a dry run, how many would be.
    pub replayed: BTreeMap<Text, u64>,
    /// How many were selected and stay in the dead-letter queue all the same.
    pub kept: u64,
    /// The first of those, and why.
    pub named: Vec<Kept>,
    /// Why it ended early: what it had not come to stays where it is, and may be replayed again.
    pub stopped: Option<Error>,
}

impl Replayed {
    /// How many were put back.
    pub fn count(&self) -> u64 {
        self.replayed.values().sum()
    }

    fn keep(&mut self, id: &MessageId, why: impl Into<String>) {
        self.kept += 1;
        if self.named.len() < MOST_NAMED {
            self.named.push(Kept { id: id.clone(), why: why.into() });
        }
    }
}

/// A dead letter that was selected and can't be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// Its id.
    pub id: MessageId,
    /// Why.
    pub why: String,
}

/// A copy on its way.
struct Flying {
    letter: Letter,
    place: Place,
    target: Text,
    publishing: Publishing,
}

impl DeadLetters<'_> {
    /// Puts the selected dead letters of a queue back into the queues that they died in, with attempts counted anew.
    ///
    /// `confirmed` is told of each once its copy is confirmed, before the dead letter is taken. A copy keeps id, key,
    /// body, topic and the headers of the message; what dead-lettering added goes, but for `x-original-topic`.
    ///
    /// Cancelled, it leaves what it had not come to; of what was in flight, copy and dead letter may both exist.
    ///
    /// # Errors
    /// There is no such queue, or the broker can't be asked at all. What goes wrong later is in [`Replayed::stopped`].
    pub async fn replay(
        &self,
        queue: &str,
        selection: &Selection,
        confirmed: impl FnMut(&Letter) + Send,
    ) -> Result<Replayed> {
        self.replay_or_not(queue, selection, false, confirmed).await
    }

    /// What a replay would do. Nothing is published and nothing taken.
    ///
    /// # Errors
    /// As [`replay`](Self::replay).
    pub async fn rehearse(&self, queue: &str, selection: &Selection) -> Result<Replayed> {
        self.replay_or_not(queue, selection, true, |_| {}).await
    }

    async fn replay_or_not(
        &self,
        queue: &str,
        selection: &Selection,
        dry_run: bool,
        mut confirmed: impl FnMut(&Letter) + Send,
    ) -> Result<Replayed> {
        let mut walk = self.walk(queue).await?;
        let mut outcome = Replayed::default();
        let walked = self.go(queue, selection, dry_run, &mut *walk, &mut outcome, &mut confirmed).await;
        let finished = walk.finish().await.map_err(Error::from);
        outcome.stopped = walked.and(finished).err();
        Ok(outcome)
    }

    async fn go(
        &self,
        queue: &str,
        selection: &Selection,
        dry_run: bool,
        walk: &mut dyn Walk,
        outcome: &mut Replayed,
        confirmed: &mut (dyn FnMut(&Letter) + Send),
    ) -> Result<()> {
        let (port, now) = (self.transport.publisher(), self.clock.now());
        let mut flying: VecDeque<Flying> = VecDeque::new();
        let mut bytes = 0;
        let mut stopped = Ok(());
        while let Some(lying) = walk.next().await? {
            outcome.looked_at += 1;
            let (letter, place) = Letter::of(lying);
            if !selection.takes(&letter, now) {
                continue;
            }
            let Some(target) = letter.queue.clone() else {
                outcome.keep(&letter.message.id, "nothing says which queue it died in");
                continue;
            };
            if *target == *queue {
                outcome.keep(&letter.message.id, "it died in this very queue");
                continue;
            }
            if dry_run {
                *outcome.replayed.entry(target).or_default() += 1;
                continue;
            }
            bytes += letter.message.payload.len();
            let publication = Publication::new(replayed(&letter.message))
                .to(Target::Queue(target.clone()))
                .with_room(Room::WaitAtMost(PATIENCE));
            let publishing = port.publish(publication);
            flying.push_back(Flying { letter, place, target, publishing });
            if flying.len() >= MOST_IN_FLIGHT || bytes > MOST_BYTES_IN_FLIGHT {
                // Half of them at once: a broker hands out for what is taken, and each time takes its time.
                let half = (flying.len() / 2, bytes / 2);
                while stopped.is_ok() && (flying.len() > half.0 || bytes > half.1) {
                    let Some(first) = flying.pop_front() else { break };
                    bytes -= first.letter.message.payload.len();
                    stopped = land(first, walk, outcome, confirmed).await;
                }
            }
            if stopped.is_err() {
                break;
            }
        }
        // Also after an error: of each that is confirmed the dead letter can be taken, and fewer are left twice.
        while let Some(first) = flying.pop_front() {
            let landed = land(first, walk, outcome, confirmed).await;
            stopped = stopped.and(landed);
        }
        stopped
    }
}

/// Waits for a copy's confirmation, and only then takes the dead letter.
async fn land(
    flying: Flying,
    walk: &mut dyn Walk,
    outcome: &mut Replayed,
    confirmed: &mut (dyn FnMut(&Letter) + Send),
) -> Result<()> {
    let Flying { letter, place, target, publishing } = flying;
    match publishing.await {
        Ok(_) => {
            confirmed(&letter);
            walk.take(&place).await?;
            *outcome.replayed.entry(target).or_default() += 1;
            Ok(())
        }
        // Of this message alone.
        Err(PublishError::Unrouted { .. }) => {
            outcome.keep(&letter.message.id, format!("its queue `{target}` does not exist"));
            Ok(())
        }
        Err(error @ PublishError::TooLarge { .. }) => {
            outcome.keep(&letter.message.id, error.to_string());
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
