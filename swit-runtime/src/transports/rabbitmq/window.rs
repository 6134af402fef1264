//! The ack coalescer: which acknowledgements the broker is told, and when.
//!
//! Delivery tags of a channel count up one by one. What is settled from the oldest on is acknowledged together, by one
//! `multiple` acknowledgement; what is settled behind a delivery that still runs is acknowledged one by one, so that a
//! slow handler at the head never stalls the prefetch. That costs the broker as much for each as a whole `multiple`
//! one, so it is put off for as long as the prefetch has room: most heads are not slow, but at work this very moment.
//!
//! Guarantee: nothing unsettled is ever covered by an acknowledgement, and the tag of a `multiple` acknowledgement is
//! one that the broker still waits for (else it would close the channel).

use std::collections::VecDeque;

/// An acknowledgement for the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acknowledgement {
    pub(super) tag: u64,
    /// All deliveries up to this tag.
    pub(super) multiple: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// Handed out or waiting to be.
    Out,
    /// Settled; the broker does not know yet.
    Acked,
    /// The broker was told.
    Told,
}

/// The deliveries of one channel that the broker waits for.
#[derive(Debug)]
pub(super) struct Window {
    /// The tag of the first slot.
    first: u64,
    slots: VecDeque<Slot>,
    /// How many are settled without the broker knowing.
    untold: usize,
    /// Those among them, in the order in which they were settled; some may have been told of since. So that behind a head
    /// that runs long nothing is looked for among all that came after it.
    acked: Vec<u64>,
    /// When so many are, it is told of those that can be told together.
    threshold: usize,
    /// When so many are, it is told of all.
    limit: usize,
    /// Deliveries that handlers may be at, at once.
    workers: usize,
    /// Breaks the guarantee, to show that the tests see it.
    #[cfg(test)]
    sabotage: bool,
}

impl Window {
    /// A window of a channel that was just opened.
    pub(super) fn new(prefetch: u32, workers: usize) -> Self {
        let mut window = Self {
            first: 1,
            slots: VecDeque::with_capacity(prefetch as usize),
            untold: 0,
            acked: Vec::new(),
            threshold: 1,
            limit: 1,
            workers,
            #[cfg(test)]
            sabotage: false,
        };
        window.resize(prefetch);
        window
    }

    /// Another prefetch from now on.
    pub(super) fn resize(&mut self, prefetch: u32) {
        let prefetch = prefetch as usize;
        self.threshold = (prefetch / 4).max(1);
        // Of what handlers are not at, half may wait to be told, so that the other half can lie ready.
        self.limit = self.threshold.max(prefetch.saturating_sub(self.workers) / 2);
    }

    /// Takes a delivery in. False: its tag is not the next one, which no broker that keeps to the protocol sends.
    #[must_use]
    pub(super) fn received(&mut self, tag: u64) -> bool {
        if tag != self.first + self.slots.len() as u64 {
            return false;
        }
        self.slots.push_back(Slot::Out);
        true
    }

    /// The highest tag that was received; 0 before the first.
    pub(super) fn last(&self) -> u64 {
        self.first + self.slots.len() as u64 - 1
    }

    fn slot(&mut self, tag: u64) -> Option<&mut Slot> {
        let index = usize::try_from(tag.checked_sub(self.first)?).ok()?;
        self.slots.get_mut(index)
    }

    /// Whether a delivery is not settled.
    pub(super) fn is_out(&self, tag: u64) -> bool {
        let index = tag.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.slots.get(index)) == Some(&Slot::Out)
    }

    /// Notes that a delivery is done with. False: it was settled before.
    pub(super) fn ack(&mut self, tag: u64) -> bool {
        match self.slot(tag) {
            Some(slot @ Slot::Out) => {
                *slot = Slot::Acked;
                self.untold += 1;
                self.acked.push(tag);
                true
            }
            _ => false,
        }
    }

    /// Notes that the broker is told of a delivery by itself, by a reject. False: it was settled before.
    pub(super) fn tell(&mut self, tag: u64) -> bool {
        match self.slot(tag) {
            Some(slot @ Slot::Out) => {
                *slot = Slot::Told;
                true
            }
            _ => false,
        }
    }

    /// Whether so many are settled that the broker should be told.
    #[inline]
    pub(super) fn is_due(&self) -> bool {
        self.untold >= self.limit
            || self.untold >= self.threshold && self.slots.front().is_some_and(|head| *head != Slot::Out)
    }

    /// Whether any is settled without the broker knowing.
    #[inline]
    pub(super) fn is_untold(&self) -> bool {
        self.untold > 0
    }

    /// Deliveries up to this tag that are not settled.
    pub(super) fn out_up_to(&self, tag: u64) -> impl Iterator<Item = u64> {
        let first = self.first;
        let tags = self.slots.iter().enumerate().map(move |(index, slot)| (first + index as u64, *slot));
        tags.take_while(move |(own, _)| *own <= tag).filter(|(_, slot)| *slot == Slot::Out).map(|(own, _)| own)
    }

    /// What the broker is to be told now. Those behind a delivery that still runs are told of if `all`, or if there are
    /// so many of them that they would stall the prefetch.
    pub(super) fn flush(&mut self, all: bool, mut send: impl FnMut(Acknowledgement)) {
        let mut last = None;
        while let Some(slot) = self.slots.front().filter(|slot| **slot != Slot::Out) {
            if *slot == Slot::Acked {
                last = Some(self.first);
                self.untold -= 1;
            }
            self.slots.pop_front();
            self.first += 1;
        }
        #[cfg(test)]
        if self.sabotage {
            last = last.map(|tag| tag + 1);
        }
        if let Some(tag) = last {
            send(Acknowledgement { tag, multiple: true });
            self.acked.retain(|tag| *tag >= self.first);
        }
        if self.untold > 0 && (all || self.untold >= self.limit) {
            let mut acked = std::mem::take(&mut self.acked);
            for tag in acked.drain(..) {
                if let Some(slot) = self.slot(tag) {
                    *slot = Slot::Told;
                    send(Acknowledgement { tag, multiple: false });
                }
            }
            (self.acked, self.untold) = (acked, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, panic::catch_unwind};

    use proptest::{prelude::*, test_runner::TestRunner};

    use super::*;

    /// The broker's side: what it waits for, and what it may be told.
    #[derive(Default)]
    struct Broker {
        waits_for: BTreeSet<u64>,
        settled: BTreeSet<u64>,
        frames: usize,
    }

    impl Broker {
        fn take(&mut self, Acknowledgement { tag, multiple }: Acknowledgement) {
            assert!(self.waits_for.contains(&tag), "{tag} is not outstanding: the channel would be closed");
            let covered: Vec<u64> = if multiple { self.waits_for.range(..=tag).copied().collect() } else { vec![tag] };
            for tag in covered {
                assert!(self.settled.contains(&tag), "{tag} was acknowledged and is not settled");
                self.waits_for.remove(&tag);
            }
            self.frames += 1;
        }
    }

    /// Random deliveries, verdicts and flushes against the model.
    fn play(steps: &[(u8, u16)], sabotage: bool) {
        let mut window = Window::new(40, 1);
        window.sabotage = sabotage;
        let mut broker = Broker::default();
        let mut out: Vec<u64> = Vec::new();
        let mut tag = 0;
        for (kind, choice) in steps {
            match kind % 8 {
                0..=2 => {
                    tag += 1;
                    assert!(window.received(tag));
                    broker.waits_for.insert(tag);
                    out.push(tag);
                }
                3..=5 if !out.is_empty() => {
                    let settled = out.swap_remove(usize::from(*choice) % out.len());
                    broker.settled.insert(settled);
                    assert!(window.ack(settled) && !window.ack(settled), "once");
                }
                6 if !out.is_empty() => {
                    let rejected = out.swap_remove(usize::from(*choice) % out.len());
                    assert!(window.tell(rejected) && !window.ack(rejected) && !window.tell(rejected));
                    broker.waits_for.remove(&rejected);
                }
                7 => window.flush(choice % 2 == 0, |ack| broker.take(ack)),
                _ => {}
            }
            if window.is_due() {
                window.flush(false, |ack| broker.take(ack));
                assert!(!window.is_due(), "a flush makes room");
            }
            let held: Vec<u64> = window.out_up_to(u64::MAX).collect();
            let mut expected = out.clone();
            expected.sort_unstable();
            assert_eq!(held, expected);
        }
        window.flush(true, |ack| broker.take(ack));
        let left: BTreeSet<u64> = out.into_iter().collect();
        assert_eq!(broker.waits_for, left, "the broker waits for what is out and for nothing else");
        assert!(!window.is_untold());
    }

    fn steps() -> impl Strategy<Value = Vec<(u8, u16)>> {
        proptest::collection::vec((any::<u8>(), any::<u16>()), 0..400)
    }

    #[test]
    fn nothing_unsettled_is_ever_acknowledged() {
        TestRunner::default()
            .run(&steps(), |steps| {
                play(&steps, false);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_window_that_acknowledges_one_too_many_is_found_out() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let found = catch_unwind(|| {
            TestRunner::default()
                .run(&steps(), |steps| {
                    play(&steps, true);
                    Ok(())
                })
                .unwrap();
        });
        std::panic::set_hook(hook);
        assert!(found.is_err());
    }

    #[test]
    fn a_head_that_runs_long_stalls_nothing() {
        let mut window = Window::new(40, 10);
        let mut broker = Broker::default();
        assert!(window.received(1));
        broker.waits_for.insert(1);
        for tag in 2..1_000 {
            assert!(window.received(tag));
            broker.waits_for.insert(tag);
            broker.settled.insert(tag);
            window.ack(tag);
            if window.is_due() {
                window.flush(false, |ack| broker.take(ack));
            }
            assert!(window.acked.len() <= 16, "what was told of is not looked at again");
            assert!(broker.waits_for.len() <= 16, "at most half of what handlers are not at waits to be told");
        }
    }

    #[test]
    fn what_is_settled_in_order_takes_one_frame() {
        let mut window = Window::new(40, 10);
        let mut broker = Broker::default();
        for tag in 1..=100 {
            assert!(window.received(tag));
            broker.waits_for.insert(tag);
            broker.settled.insert(tag);
            window.ack(tag);
            if window.is_due() {
                window.flush(false, |ack| broker.take(ack));
            }
        }
        assert_eq!((broker.frames, broker.waits_for.len()), (10, 0));
    }

    #[test]
    fn a_head_that_is_about_to_end_costs_no_frames() {
        let mut window = Window::new(40, 10);
        let mut broker = Broker::default();
        for tag in 1..=15 {
            assert!(window.received(tag));
            broker.waits_for.insert(tag);
        }
        for tag in (2..=14).chain([1, 15]) {
            broker.settled.insert(tag);
            window.ack(tag);
            assert_eq!(window.is_due(), tag == 1, "{tag}");
            if window.is_due() {
                window.flush(false, |ack| broker.take(ack));
            }
        }
        assert_eq!((broker.frames, broker.waits_for.len()), (1, 1));
    }

    #[test]
    fn where_handlers_may_be_at_all_of_the_prefetch_a_quarter_waits() {
        let mut window = Window::new(40, 40);
        assert!((1..=40).all(|tag| window.received(tag)));
        assert!((2..=10).all(|tag| window.ack(tag) && !window.is_due()));
        assert!(window.ack(11) && window.is_due());
    }

    #[test]
    fn tags_that_skip_are_refused() {
        let mut window = Window::new(1, 1);
        assert!(window.received(1) && !window.received(3) && !window.received(1) && window.received(2));
        assert_eq!(window.last(), 2);
    }
}
