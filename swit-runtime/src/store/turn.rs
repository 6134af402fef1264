//! Whose turn it is to write, where a database has one writer at a time.
//!
//! Guarantee: what an attempt's own handler asks of such a database beside its transaction is refused at once. It would wait
//! for that transaction to end, which waits for the handler. What the handler leaves to a task of its own is not seen.

use std::sync::atomic::{AtomicU64, Ordering};

use super::StoreError;

/// The one turn to write of a database that has one writer at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn(u64);

tokio::task_local! {
    /// The turn that the transaction of the attempt has in which this runs.
    static HELD: Turn;
}

impl Turn {
    /// One that no other database of this process has. A store of one writer keeps it, says it of its transactions
    /// ([`Work::turn`](super::Work::turn)), and [waits](Self::wait) by it before it begins another.
    pub fn unique() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether it can be waited for here.
    ///
    /// # Errors
    /// [`StoreError::OwnTurn`]: the attempt in which this runs has it, and gives it back after this.
    pub fn wait(self, doing: &'static str) -> Result<(), StoreError> {
        match HELD.try_with(|held| *held == self) {
            Ok(true) => Err(StoreError::OwnTurn { doing }),
            _ => Ok(()),
        }
    }

    /// Runs what a transaction is open around that has this turn.
    pub(crate) async fn during<F: Future>(turn: Option<Self>, inside: F) -> F::Output {
        match turn {
            Some(turn) => HELD.scope(turn, inside).await,
            None => inside.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_held_is_not_waited_for() {
        let (own, other) = (Turn(1), Turn(2));
        let inside = async {
            assert!(matches!(own.wait("a test"), Err(StoreError::OwnTurn { doing: "a test" })));
            other.wait("a test").unwrap();
            tokio::spawn(async move { own.wait("a test") }).await.unwrap().unwrap();
        };
        Turn::during(Some(own), inside).await;
        Turn::during(None, async { own.wait("a test").unwrap() }).await;
        own.wait("a test").unwrap();
    }
}
