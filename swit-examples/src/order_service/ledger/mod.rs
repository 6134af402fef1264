//! The ledger: every line that was read is accounted for exactly once.
//!
//! Intake opens a line, the flow's last handler closes it, and whatever is open at the end, or was closed twice with
//! different outcomes, is named. A line that closes again with the same outcome is a redelivery and counts once.
//!
//! Each process has its own, of the lines that it read. The order ids alone are everybody's: any process of the group may
//! have to tell whether an id is new, and hears which were let pass by others.
//!
//! Memory: a byte a line, about 50 bytes an order id, and the lines in flight, which the [`Window`] bounds.

mod book;
mod latency;
mod marks;
mod outcome;
mod seen;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use swit::Text;
use tokio::sync::Notify;

use book::Book;
pub use book::{Admission, Balance, Counts, Window};
pub use latency::Latency;
pub use outcome::{Outcome, Rejection};

use super::order::Labels;

/// The ledger of one run of the service.
#[derive(Debug)]
pub struct Ledger {
    /// Tells the lines of this process from those of others on the same broker.
    run: String,
    book: Mutex<Book>,
    room: Notify,
}

impl Ledger {
    /// An empty ledger that lets this much be in flight at once.
    pub fn new(window: Window) -> Self {
        let run = format!("{:08x}", seen::random() & 0xffff_ffff);
        Self { run, book: Mutex::new(Book::new(window)), room: Notify::new() }
    }

    /// Opens a line of this many bytes, once there is room for it. Cancel-safe: cancelled, it opened nothing.
    pub async fn open(&self, line: u64, bytes: usize) {
        loop {
            // Taken before the look at the book, so that room made in between is not missed.
            let room = self.room.notified();
            if self.try_open(line, bytes) {
                return;
            }
            room.await;
        }
    }

    /// Opens a line if there is room for it now.
    pub fn try_open(&self, line: u64, bytes: usize) -> bool {
        self.book().open(line, bytes, Instant::now())
    }

    /// What ties the messages of a line to it, through the whole flow: their correlation id.
    pub fn tag(&self, line: u64) -> Text {
        Text::from(format!("{}-{line}", self.run))
    }

    /// The line of a tag, if it is one of this run.
    pub fn line_of(&self, tag: Option<&str>) -> Option<u64> {
        tag?.strip_prefix(self.run.as_str())?.strip_prefix('-')?.parse().ok()
    }

    /// Asks whether the valid order of the line with this tag is the first with its id; of its own id a line is the first
    /// as often as it is asked for. Lines of the same id must be asked for in their order.
    pub fn admit(&self, tag: Option<&str>, order_id: &str) -> Admission {
        self.book().admit(tag.unwrap_or_default(), order_id)
    }

    /// Another process let the line with this tag pass, as the first with its order id.
    pub fn remember(&self, tag: Option<&str>, order_id: &str) {
        self.admit(tag, order_id);
    }

    /// Closes a line with what became of it, and counts its order by the labels, where it was one. Answers whether that is
    /// news. Lines of other runs are left alone.
    pub fn close(&self, line: Option<u64>, outcome: &Outcome, labels: Option<Labels>) -> bool {
        let Some(line) = line else { return false };
        let (closed, room) = {
            let mut book = self.book();
            let closed = book.close(line, outcome, labels, Instant::now());
            (closed, book.wants_waking())
        };
        self.wake(room);
        closed
    }

    fn wake(&self, room: bool) {
        if room {
            self.room.notify_waiters();
        }
    }

    /// The figures so far.
    pub fn counts(&self) -> Counts {
        self.book().counts().clone()
    }

    /// Lines that were opened, and how many of them are closed.
    pub fn progress(&self) -> (u64, u64) {
        let book = self.book();
        (book.counts().read, book.counts().accounted())
    }

    /// How long lines took, from being read to their outcome.
    pub fn latency(&self) -> Latency {
        self.book().latency().clone()
    }

    /// Whether every line is accounted for, and which are not.
    pub fn balance(&self) -> Balance {
        self.book().balance()
    }

    /// The book stays readable after a panic elsewhere: every change of it is complete before anything can panic.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn intake_waits_for_room() {
        let ledger = Arc::new(Ledger::new(Window { lines: 2, bytes: 100 }));
        ledger.open(1, 10).await;
        ledger.open(2, 90).await;
        let waiting = tokio::spawn({
            let ledger = ledger.clone();
            async move { ledger.open(3, 10).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(ledger.progress(), (2, 0));
        ledger.close(Some(2), &Outcome::Completed, None);
        waiting.await.unwrap();
        assert_eq!(ledger.progress(), (3, 1));
    }

    #[test]
    fn tags_lead_back_to_their_lines() {
        let ledger = Ledger::new(Window::DEFAULT);
        assert_eq!(ledger.line_of(Some(&ledger.tag(42))), Some(42));
        for foreign in [None, Some(""), Some("-42"), Some("other-42")] {
            assert_eq!(ledger.line_of(foreign), None);
        }
    }
}
