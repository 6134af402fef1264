//! What the ledger has written down.

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use super::{Latency, Outcome, Rejection, marks::Marks, seen::Seen};
use crate::order_service::order::{Labels, OrderType, Region};

/// Most lines that a balance names.
const MOST_NAMED: usize = 20;

/// How much may be in flight at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Lines.
    pub lines: usize,
    /// Bytes of lines. A single line may be larger.
    pub bytes: usize,
}

impl Window {
    /// Lines that wait for a retry are in flight too: enough of them to keep the others going.
    pub const DEFAULT: Self = Self { lines: 4_096, bytes: 32 * 1024 * 1024 };
}

/// Whether an order is to be worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is the first with its id.
    First,
    /// A line before it had the id.
    Duplicate,
}

/// The figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines that were read, blank ones aside.
    pub read: u64,
    /// Orders that went through.
    pub completed: u64,
    /// Orders that were rejected because an article was not there.
    pub out_of_stock: u64,
    /// Orders that were rejected because the payment was declined.
    pub payment_declined: u64,
    /// Dead letters by reason.
    pub dead_lettered: BTreeMap<String, u64>,
    /// Valid lines whose order id had been read before.
    pub duplicates: u64,
    /// Orders that ended, duplicates aside, by type.
    pub by_type: BTreeMap<OrderType, u64>,
    /// Orders that ended, duplicates aside, by region.
    pub by_region: BTreeMap<Region, u64>,
}

impl Counts {
    /// Orders that were rejected.
    pub fn rejected(&self) -> u64 {
        self.out_of_stock + self.payment_declined
    }

    /// Lines with an outcome.
    pub fn accounted(&self) -> u64 {
        self.completed + self.rejected() + self.duplicates + self.dead_lettered.values().sum::<u64>()
    }
}

/// Whether every line that was read is accounted for exactly once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Balance {
    /// How many lines have no outcome.
    pub open: usize,
    /// The first of them.
    pub open_lines: Vec<u64>,
    /// How many lines have two different outcomes.
    pub torn: usize,
    /// The first of them.
    pub torn_lines: Vec<u64>,
}

impl Balance {
    /// Whether the books balance.
    pub fn is_even(&self) -> bool {
        self.open == 0 && self.torn == 0
    }
}

/// A line in flight.
#[derive(Debug)]
struct Flight {
    since: Instant,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Book {
    window: Window,
    flights: HashMap<u64, Flight>,
    flying: usize,
    intake_waits: bool,
    seen: Seen,
    marks: Marks,
    torn: usize,
    torn_lines: Vec<u64>,
    counts: Counts,
    latency: Latency,
}

impl Book {
    pub(super) fn new(window: Window) -> Self {
        Self {
            window,
            flights: HashMap::with_capacity(window.lines),
            flying: 0,
            intake_waits: false,
            seen: Seen::default(),
            marks: Marks::default(),
            torn: 0,
            torn_lines: Vec::new(),
            counts: Counts::default(),
            latency: Latency::default(),
        }
    }

    /// Opens a line if there is room for it.
    pub(super) fn open(&mut self, line: u64, bytes: usize, now: Instant) -> bool {
        let fits = self.flights.len() < self.window.lines && self.flying + bytes <= self.window.bytes;
        // What is larger than the window goes alone.
        if !fits && !self.flights.is_empty() {
            self.intake_waits = true;
            return false;
        }
        self.flying += bytes;
        self.flights.insert(line, Flight { since: now, bytes });
        self.counts.read += 1;
        true
    }

    /// Whether intake waits and should look again. An eighth of the window is freed first, so that intake is not woken
    /// for every single line.
    pub(super) fn wants_waking(&mut self) -> bool {
        let low = |used: usize, most: usize| used <= most - most / 8;
        let wake =
            self.intake_waits && low(self.flights.len(), self.window.lines) && low(self.flying, self.window.bytes);
        self.intake_waits &= !wake;
        wake
    }

    pub(super) fn admit(&mut self, tag: &str, order_id: &str) -> Admission {
        if self.seen.insert(order_id, tag) { Admission::First } else { Admission::Duplicate }
    }

    /// Answers whether the line was open.
    pub(super) fn close(&mut self, line: u64, outcome: &Outcome, labels: Option<Labels>, now: Instant) -> bool {
        let Some(flight) = self.flights.remove(&line) else {
            self.close_again(line, outcome);
            return false;
        };
        self.flying -= flight.bytes;
        self.marks.set(line, outcome.mark());
        self.latency.record(now.saturating_duration_since(flight.since));
        let counts = &mut self.counts;
        match outcome {
            Outcome::Completed => counts.completed += 1,
            Outcome::Rejected(Rejection::OutOfStock) => counts.out_of_stock += 1,
            Outcome::Rejected(Rejection::PaymentDeclined) => counts.payment_declined += 1,
            Outcome::DeadLettered(reason) => *counts.dead_lettered.entry(reason.to_string()).or_default() += 1,
            Outcome::Duplicate => counts.duplicates += 1,
        }
        if let Some(Labels { order_type, region }) = labels {
            *counts.by_type.entry(order_type).or_default() += 1;
            *counts.by_region.entry(region).or_default() += 1;
        }
        true
    }

    /// The same outcome again is a redelivery; another one tears the books.
    fn close_again(&mut self, line: u64, outcome: &Outcome) {
        let mark = self.marks.get(line);
        if mark != 0 && mark != outcome.mark() {
            self.torn += 1;
            if self.torn_lines.len() < MOST_NAMED {
                self.torn_lines.push(line);
            }
        }
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn latency(&self) -> &Latency {
        &self.latency
    }

    pub(super) fn balance(&self) -> Balance {
        let mut open_lines: Vec<u64> = self.flights.keys().copied().collect();
        open_lines.sort_unstable();
        open_lines.truncate(MOST_NAMED);
        Balance { open: self.flights.len(), open_lines, torn: self.torn, torn_lines: self.torn_lines.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const ROOM: Window = Window { lines: 100, bytes: 1_000 };

    fn opened(lines: u64) -> Book {
        let mut book = Book::new(ROOM);
        for line in 1..=lines {
            assert!(book.open(line, 1, Instant::now()));
        }
        book
    }

    #[test]
    fn the_first_valid_line_wins() {
        let mut book = opened(3);
        assert_eq!(book.admit("run-1", "a"), Admission::First);
        assert_eq!(book.admit("run-1", "a"), Admission::First, "its own second attempt");
        assert_eq!(book.admit("run-2", "a"), Admission::Duplicate, "while the first is in flight");
        book.close(1, &Outcome::Completed, Some(Labels::default()), Instant::now());
        assert_eq!(book.admit("run-1", "a"), Admission::First, "a redelivery is no duplicate of itself");
        assert_eq!(book.admit("run-3", "a"), Admission::Duplicate);
        assert_eq!(book.counts().by_region[&Region::Other], 1);
    }

    #[test]
    fn what_is_open_or_torn_is_named() {
        let mut book = opened(40);
        for line in 1..=10 {
            book.close(line, &Outcome::Completed, None, Instant::now());
        }
        book.close(3, &Outcome::Completed, None, Instant::now());
        assert_eq!(book.counts().completed, 10, "a redelivery counts once");
        book.close(3, &Outcome::DeadLettered("permanent".into()), None, Instant::now());
        let balance = book.balance();
        assert_eq!((balance.open, balance.open_lines.len(), balance.open_lines[0]), (30, 20, 11));
        assert_eq!((balance.torn, balance.torn_lines), (1, vec![3]));
    }

    #[test]
    fn a_line_larger_than_the_window_goes_alone() {
        let mut book = Book::new(ROOM);
        assert!(book.open(1, 5_000, Instant::now()) && !book.open(2, 1, Instant::now()));
        assert!(!book.wants_waking());
        book.close(1, &Outcome::Duplicate, None, Instant::now());
        assert!(book.wants_waking() && !book.wants_waking());
        assert!(book.open(2, 1, Instant::now()) && !book.open(3, 5_000, Instant::now()));
    }
}
