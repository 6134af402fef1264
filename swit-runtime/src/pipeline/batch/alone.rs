//! What is attempted alone: a batch of one.

use tokio::time::{Instant, sleep_until};

use super::Bench;
use crate::transport::Delivery;

/// A delivery that is to be attempted alone.
pub(super) struct Alone {
    pub(super) delivery: Delivery,
    pub(super) attempt: u32,
    /// Not before then.
    due: Option<Instant>,
    /// The worker has the right to make this attempt already.
    entered: bool,
}

impl Alone {
    /// As soon as an attempt may begin.
    pub(super) fn new(delivery: Delivery, attempt: u32) -> Self {
        Self { delivery, attempt, due: None, entered: false }
    }

    /// At once: it came with the right to be attempted.
    pub(super) fn entered(delivery: Delivery, attempt: u32) -> Self {
        Self { delivery, attempt, due: None, entered: true }
    }

    /// After a wait that could not be spent elsewhere.
    pub(super) fn at(delivery: Delivery, attempt: u32, due: Instant) -> Self {
        Self { delivery, attempt, due: Some(due), entered: false }
    }
}

impl Bench {
    /// Begins the next attempt that is made alone, if there is one; false in it: that one never reaches the handler.
    pub(super) async fn begin_alone(&mut self) -> Option<bool> {
        let Alone { due, entered, .. } = self.alone.front()?;
        let plan = self.seat.plan.clone();
        if !*entered {
            let due = *due;
            let enter = async {
                if let Some(due) = due {
                    sleep_until(due).await;
                }
                plan.enter().await
            };
            tokio::select! {
                biased;
                // As what was only collected.
                () = plan.closing.cancelled() => {
                    self.give_back().await;
                    return None;
                }
                () = plan.gate.shut() => {
                    self.give_back().await;
                    return None;
                }
                pass = enter => self.seat.pass = pass,
            }
        }
        let Alone { delivery, attempt, .. } = self.alone.pop_front()?;
        let Some(delivery) = plan.current(delivery) else {
            plan.leave(std::mem::take(&mut self.seat.pass));
            return Some(false);
        };
        self.seat.busy = true;
        Some(self.seat.admit(delivery, attempt).await)
    }
}
