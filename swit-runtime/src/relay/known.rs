//! What a relay knows of rows that it can't publish now: those that failed, and those of the same keys behind them. They are
//! not fetched again before their time, however many there are.
//!
//! Guarantee: of a key of which a row waits to be tried again, no other row is published.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    classify::{Backoff, Jitter},
    id::chance,
};

/// Between tries to publish a row.
const AGAIN: Backoff = Backoff::Exponential {
    first: Duration::from_millis(100),
    max: Duration::from_secs(10),
    factor: 2.0,
    jitter: Jitter::Share(0.5),
};

/// So many rows are left out of one look: their numbers stand in its statement.
const WINDOW: usize = 5_000;

/// What is known of rows that can't be published now. It grows with them: some tens of bytes each.
#[derive(Default)]
pub(super) struct Known {
    /// Rows that are not to be fetched, with their keys.
    waits: BTreeMap<i64, Option<u64>>,
    failed: BTreeMap<i64, Failed>,
    /// The keys of rows that failed and are not tried in this look. Two keys with one hash wait for each other.
    held: BTreeSet<u64>,
    /// Rows that are tried again in this look, and not seen so far.
    due: BTreeSet<i64>,
    /// Keys whose rows may be fetched again.
    released: BTreeSet<u64>,
    /// Whose rows these are.
    own: Vec<u16>,
}

struct Failed {
    tries: u32,
    next: Instant,
    key: Option<u64>,
}

/// The same in every run.
fn hashed(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Rows of a look, and which of them are left out.
pub(super) struct Window {
    pub(super) behind: i64,
    pub(super) until: i64,
    pub(super) without: Vec<i64>,
}

impl Known {
    /// When the first of them is to be tried again.
    pub(super) fn next_try(&self) -> Option<Instant> {
        self.failed.values().map(|failed| failed.next).min()
    }

    /// A look begins, at the rows of these partitions, in which at most so many are tried again.
    pub(super) fn begin(&mut self, own: &[u16], most: usize) {
        let now = Instant::now();
        if self.own != own {
            // Others may have had them meanwhile.
            self.own = own.to_vec();
            self.waits.retain(|row, _| self.failed.contains_key(row));
            self.failed.values_mut().for_each(|failed| failed.next = now);
        }
        let is_due = |(_, failed): &(&i64, &Failed)| failed.next <= now;
        let mut due: Vec<(Instant, i64)> =
            self.failed.iter().filter(is_due).map(|(row, failed)| (failed.next, *row)).collect();
        if due.len() > most {
            due.select_nth_unstable(most);
            due.truncate(most);
        }
        self.due = due.into_iter().map(|(_, row)| row).collect();
        for row in &self.due {
            self.waits.remove(row);
        }
        let held = self.failed.iter().filter(|(row, _)| !self.due.contains(row)).filter_map(|(_, failed)| failed.key);
        self.held = held.collect();
    }

    /// All rows, in order, in parts of which each leaves out no more than a statement can say.
    pub(super) fn windows(&self) -> Vec<Window> {
        let waits: Vec<i64> = self.waits.keys().copied().collect();
        let mut windows: Vec<Window> = Vec::new();
        for without in waits.chunks(WINDOW) {
            let behind = windows.last().map_or(i64::MIN, |before| before.until);
            let until = without.last().copied().unwrap_or(i64::MAX);
            windows.push(Window { behind, until, without: without.to_vec() });
        }
        match windows.last_mut() {
            Some(last) => last.until = i64::MAX,
            None => windows.push(Window { behind: i64::MIN, until: i64::MAX, without: Vec::new() }),
        }
        windows
    }

    /// Whether this row has to wait because another one of its key does; it is known then.
    pub(super) fn follows(&mut self, row: i64, key: &str) -> bool {
        let key = hashed(key);
        let follows = self.held.contains(&key);
        if follows {
            self.waits.insert(row, Some(key));
            // It may have failed before, and another of its key waits now.
            self.due.remove(&row);
            self.failed.remove(&row);
        }
        follows
    }

    /// A row could not be published. Says how often that was so, and in how long it is tried again.
    pub(super) fn failed(&mut self, row: i64, key: Option<&str>) -> (u32, Duration) {
        let key = key.map(hashed);
        self.due.remove(&row);
        let tries = self.failed.get(&row).map_or(1, |failed| failed.tries + 1);
        let wait = AGAIN.jittered(tries, chance());
        self.failed.insert(row, Failed { tries, next: Instant::now() + wait, key });
        self.waits.insert(row, key);
        self.held.extend(key);
        (tries, wait)
    }

    /// A row is done with.
    pub(super) fn is_done(&mut self, row: i64) {
        self.due.remove(&row);
        self.waits.remove(&row);
        if let Some(key) = self.failed.remove(&row).and_then(|failed| failed.key) {
            self.held.remove(&key);
            self.released.insert(key);
        }
    }

    /// A look is over; it went to this row, or to the end. Says whether rows may be fetched now that waited.
    pub(super) fn end(&mut self, last: Option<i64>) -> bool {
        // What is not there any more was removed, or parked, by others.
        let mut gone = std::mem::take(&mut self.due);
        gone.retain(|row| last.is_none_or(|last| *row <= last));
        for row in gone {
            self.is_done(row);
        }
        let released = std::mem::take(&mut self.released);
        if released.is_empty() {
            return false;
        }
        let before = self.waits.len();
        // One that failed itself waits for its own time.
        self.waits.retain(|row, key| self.failed.contains_key(row) || !key.is_some_and(|key| released.contains(&key)));
        self.waits.len() < before
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const ALL: &[u16] = &[0, 1];

    fn left_out(known: &Known) -> Vec<i64> {
        known.windows().into_iter().flat_map(|window| window.without).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_left_out_until_it_is_due_and_what_is_behind_it_until_it_is_done() {
        let mut known = Known::default();
        known.begin(ALL, 10);
        known.failed(1, Some("a"));
        assert!(known.follows(2, "a") && !known.follows(3, "b"));
        assert!(!known.end(None));
        known.begin(ALL, 10);
        assert_eq!(left_out(&known), [1, 2]);
        assert!(!known.end(None), "it is not due");
        advance(Duration::from_secs(10)).await;
        known.begin(ALL, 10);
        assert_eq!(left_out(&known), [2]);
        let (tries, _) = known.failed(1, Some("a"));
        assert!(tries == 2 && known.follows(4, "a") && !known.end(None));
        advance(Duration::from_secs(10)).await;
        known.begin(ALL, 10);
        assert!(!known.follows(5, "a"), "it is tried, before this one");
        known.is_done(1);
        assert!(known.end(None));
        assert_eq!((left_out(&known), known.next_try()), (vec![], None));
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_removed_holds_up_nobody() {
        let mut known = Known::default();
        known.begin(ALL, 10);
        known.failed(5, Some("a"));
        known.follows(7, "a");
        known.end(None);
        advance(Duration::from_secs(10)).await;
        known.begin(ALL, 10);
        assert!(!known.end(Some(4)), "the look did not come so far");
        known.begin(ALL, 10);
        assert!(known.end(Some(6)), "it did, and the row was not there");
        assert_eq!(left_out(&known), Vec::<i64>::new());
    }

    #[tokio::test(start_paused = true)]
    async fn other_partitions_are_looked_at_anew() {
        let mut known = Known::default();
        known.begin(ALL, 10);
        known.failed(5, Some("a"));
        known.follows(7, "a");
        known.end(None);
        known.failed(8, Some("b"));
        known.begin(&[0], 1);
        assert_eq!(left_out(&known).len(), 1, "one of those that failed is tried, the other waits for its turn");
        assert!(!known.end(None));
    }

    #[tokio::test(start_paused = true)]
    async fn few_are_tried_again_at_once_and_those_that_are_due_longest_come_first() {
        let mut known = Known::default();
        known.begin(ALL, 10);
        for row in 1..=3 {
            known.failed(row, None);
            advance(Duration::from_secs(1)).await;
        }
        known.begin(ALL, 2);
        assert_eq!(left_out(&known), [3]);
    }

    #[test]
    fn windows_are_all_rows_once() {
        let mut known = Known::default();
        assert_eq!(known.windows().len(), 1);
        known.waits.extend((0..12_000).map(|row| (row * 2, None)));
        let windows = known.windows();
        assert_eq!(windows.iter().map(|window| window.without.len()).collect::<Vec<_>>(), [5_000, 5_000, 2_000]);
        assert!(windows.iter().all(|of| of.without.iter().all(|row| *row > of.behind && *row <= of.until)));
        assert!(windows.windows(2).all(|two| two[0].until == two[1].behind));
        assert_eq!((windows[0].behind, windows[2].until), (i64::MIN, i64::MAX));
    }
}
