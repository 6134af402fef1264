//! Who has a place among the connections, and who gives his up for one who comes.
//!
//! Guarantees: no more than a number of connections at once, and nobody waits for a place. When there is none, the oldest of those goes
//! that have not said what they want; else the oldest of those that have their answer and do not take it; else the oldest of all. So
//! connections that say nothing, however many come, keep nobody from an answer who asks at once.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use tokio::task::AbortHandle;

/// Most connections at once.
pub(super) const MAX_CONNECTIONS: usize = 64;

const SILENT: u8 = 0;
const ASKS: u8 = 1;
const ANSWERED: u8 = 2;

/// How far a connection has come: shared by it and its seat.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<AtomicU8>);

impl Progress {
    /// The head of its request is here.
    pub(super) fn asks(&self) {
        self.0.store(ASKS, Ordering::Relaxed);
    }

    /// Its answer is on its way.
    pub(super) fn answered(&self) {
        self.0.store(ANSWERED, Ordering::Relaxed);
    }

    /// The later, the sooner it goes; nobody else's affair.
    fn turn(&self) -> u8 {
        match self.0.load(Ordering::Relaxed) {
            SILENT => 0,
            ANSWERED => 1,
            _ => 2,
        }
    }
}

/// All that are connected, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Seats(Vec<(Progress, AbortHandle)>);

impl Seats {
    /// Makes room for one more.
    pub(super) fn make_room(&mut self) {
        if self.0.len() < MAX_CONNECTIONS {
            return;
        }
        self.0.retain(|(_, connection)| !connection.is_finished());
        if self.0.len() < MAX_CONNECTIONS {
            return;
        }
        // The first of those that are alike.
        let turns = self.0.iter().enumerate().map(|(index, (progress, _))| (progress.turn(), index));
        if let Some((_, index)) = turns.min() {
            let (_, connection) = self.0.remove(index);
            connection.abort();
        }
    }

    pub(super) fn take(&mut self, progress: Progress, connection: AbortHandle) {
        self.0.push((progress, connection));
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    /// Connections as they stand, oldest first; which of them went for one more.
    async fn gone(stand: &[u8]) -> Vec<usize> {
        let (mut tasks, mut seats) = (JoinSet::new(), Seats::default());
        let mut handles = Vec::new();
        for progress in stand {
            seats.make_room();
            let handle = tasks.spawn(std::future::pending::<()>());
            seats.take(Progress(Arc::new(AtomicU8::new(*progress))), handle.clone());
            handles.push(handle);
        }
        seats.make_room();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        (0..handles.len()).filter(|index| handles[*index].is_finished()).collect()
    }

    #[tokio::test]
    async fn who_says_nothing_goes_first_then_who_takes_nothing_then_the_oldest() {
        let mut stand = vec![ASKS; MAX_CONNECTIONS - 1];
        assert!(gone(&stand).await.is_empty());
        stand.push(ASKS);
        assert_eq!(gone(&stand).await, [0]);
        stand[7] = ANSWERED;
        stand[9] = ANSWERED;
        assert_eq!(gone(&stand).await, [7]);
        stand[20] = SILENT;
        stand[30] = SILENT;
        assert_eq!(gone(&stand).await, [20]);
    }

    #[tokio::test]
    async fn who_is_done_leaves_his_place() {
        let (mut tasks, mut seats) = (JoinSet::new(), Seats::default());
        for _ in 0..MAX_CONNECTIONS {
            seats.take(Progress::default(), tasks.spawn(async {}));
        }
        while tasks.join_next().await.is_some() {}
        let stays = tasks.spawn(std::future::pending::<()>());
        seats.take(Progress::default(), stays.clone());
        seats.make_room();
        tokio::task::yield_now().await;
        assert!(!stays.is_finished());
        assert_eq!(seats.0.len(), 1);
    }
}
