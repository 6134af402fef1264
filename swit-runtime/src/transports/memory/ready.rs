//! What lies ready in a queue, in the order it is handed out: higher priority first, first come first within.
//!
//! A message's *tag* is its place. Tags order as places do, so that a delivery that comes back with its tag stands
//! where it stood, before everything that came later.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    iter,
    sync::Arc,
};

use tokio::time::Instant;

use crate::message::Message;

/// Bits of a tag that count arrivals; the priority stands above them.
const ARRIVAL_BITS: u32 = 60;
const HIGHEST: u8 = 9;

/// The place of arrival number `arrival` with this priority.
fn place(priority: u8, arrival: u64) -> u64 {
    (u64::from(HIGHEST - priority.min(HIGHEST)) << ARRIVAL_BITS) | arrival
}

/// A message that lies ready.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its place.
    pub(super) tag: u64,
    /// How often it was given back.
    pub(super) redeliveries: u32,
    /// When it is dropped.
    pub(super) expires: Option<Instant>,
    pub(super) message: Arc<Message>,
}

/// The ready messages of a queue.
#[derive(Debug, Default)]
pub(super) struct Ready {
    /// The usual case: priority 0, no time to live, never handed out before. Its tags ascend by themselves.
    plain: VecDeque<Entry>,
    /// Everything that needs its place looked up: priorities, times to live, and what came back.
    placed: BTreeMap<u64, Entry>,
    /// The times to live of `placed`, soonest first.
    expiring: BTreeSet<(Instant, u64)>,
    arrivals: u64,
}

impl Ready {
    /// Adds a new message behind all of its priority.
    #[inline]
    pub(super) fn push(&mut self, message: Arc<Message>, expires: Option<Instant>) {
        self.arrivals += 1;
        let tag = place(message.priority, self.arrivals);
        if message.priority == 0 && expires.is_none() {
            self.plain.push_back(Entry { tag, redeliveries: 0, expires: None, message });
        } else {
            self.put_back(Entry { tag, redeliveries: 0, expires, message });
        }
    }

    /// Puts a message at its own place.
    pub(super) fn put_back(&mut self, entry: Entry) {
        if let Some(expires) = entry.expires {
            self.expiring.insert((expires, entry.tag));
        }
        self.placed.insert(entry.tag, entry);
    }

    /// Takes the first message.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Entry> {
        if self.placed.is_empty() {
            let entry = self.plain.pop_front();
            if self.plain.is_empty() {
                // Starts over at the front of the buffer, whose memory is still in the cache.
                self.plain.clear();
            }
            return entry;
        }
        self.pop_placed()
    }

    fn pop_placed(&mut self) -> Option<Entry> {
        let placed = self.placed.first_entry()?;
        if self.plain.front().is_some_and(|plain| plain.tag < *placed.key()) {
            return self.plain.pop_front();
        }
        let entry = placed.remove();
        if let Some(expires) = entry.expires {
            self.expiring.remove(&(expires, entry.tag));
        }
        Some(entry)
    }

    /// Removes one message whose time to live is over.
    pub(super) fn pop_expired(&mut self, now: Instant) -> Option<Entry> {
        let &(expires, tag) = self.expiring.first()?;
        if expires > now {
            return None;
        }
        self.expiring.pop_first();
        self.placed.remove(&tag)
    }

    /// When the next time to live is over.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.expiring.first().map(|&(expires, _)| expires)
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.plain.len() + self.placed.len()
    }

    /// The messages, first to last.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Message>> {
        let mut plain = self.plain.iter().peekable();
        let mut placed = self.placed.values().peekable();
        iter::from_fn(move || match (plain.peek(), placed.peek()) {
            (Some(a), Some(b)) if a.tag > b.tag => placed.next(),
            (Some(_), _) => plain.next(),
            (None, _) => placed.next(),
        })
        .map(|entry| &entry.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str, priority: u8) -> Arc<Message> {
        Message::new(name, "").with_priority(priority).into()
    }

    fn names(ready: &Ready) -> Vec<&str> {
        ready.iter().map(|message| &*message.topic).collect()
    }

    #[test]
    fn higher_priority_first_and_first_come_first_within() {
        let mut ready = Ready::default();
        for (name, priority) in [("a", 0), ("b", 5), ("c", 0), ("d", 9), ("e", 5)] {
            ready.push(message(name, priority), None);
        }
        assert_eq!(names(&ready), ["d", "b", "e", "a", "c"]);
    }

    #[test]
    fn what_comes_back_stands_where_it_stood() {
        let mut ready = Ready::default();
        for name in ["a", "b", "c", "d"] {
            ready.push(message(name, 0), None);
        }
        let taken = [ready.pop(), ready.pop(), ready.pop()].map(Option::unwrap);
        let [a, _b, c] = taken;
        ready.put_back(c);
        ready.put_back(a);
        assert_eq!(names(&ready), ["a", "c", "d"]);
        assert_eq!(&*ready.pop().unwrap().message.topic, "a");
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_is_over_expires() {
        let now = Instant::now();
        let mut ready = Ready::default();
        ready.push(message("short", 0), Some(now));
        ready.push(message("long", 0), Some(now + std::time::Duration::from_secs(1)));
        ready.push(message("ever", 0), None);
        assert_eq!(&*ready.pop_expired(now).unwrap().message.topic, "short");
        assert!(ready.pop_expired(now).is_none());
        assert_eq!(names(&ready), ["long", "ever"]);
        assert_eq!(&*ready.pop().unwrap().message.topic, "long");
        assert_eq!(ready.next_expiry(), None);
    }
}
