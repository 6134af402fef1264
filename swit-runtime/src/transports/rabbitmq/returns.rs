//! Which publications were confirmed, and which of them no queue took.
//!
//! The client library attaches a returned message to whichever confirmation completes next, which is seldom its own
//! when several complete together. Every message carries its number, so this finds out whose return it is; and nobody
//! is answered «routed» while a return may still be on its way to him.
//!
//! Guarantee: `routed` is true for exactly those that were not returned. Why the rule suffices: a publication's return
//! comes before its confirmation, and each confirmation takes one return along as long as any waits. If every return
//! that was seen belongs to a publication that is confirmed, there are as many returns seen as returned publications
//! confirmed, so none of theirs is missing.

use std::collections::{BTreeSet, VecDeque};

/// The publications of one channel, by number.
#[derive(Debug)]
pub(super) struct Returns<T> {
    /// The number of the first slot.
    first: u64,
    slots: VecDeque<Option<Slot<T>>>,
    /// Confirmed, and not answered yet.
    held: Vec<u64>,
    /// Returned, and not confirmed yet.
    open: BTreeSet<u64>,
    len: usize,
}

#[derive(Debug)]
struct Slot<T> {
    value: T,
    returned: bool,
    confirmed: Option<bool>,
}

/// What became of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    /// The broker took responsibility.
    pub(super) accepted: bool,
    /// A queue took it.
    pub(super) routed: bool,
}

impl<T> Returns<T> {
    /// No publication yet.
    pub(super) fn new() -> Self {
        Self { first: 0, slots: VecDeque::new(), held: Vec::new(), open: BTreeSet::new(), len: 0 }
    }

    /// The number of the next publication.
    pub(super) fn next(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    /// Takes the next publication in, under [`next`](Self::next).
    pub(super) fn push(&mut self, value: T) {
        self.slots.push_back(Some(Slot { value, returned: false, confirmed: None }));
        self.len += 1;
    }

    /// How many are not answered.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn slot(&mut self, number: u64) -> Option<&mut Option<Slot<T>>> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.slots.get_mut(index)
    }

    /// Notes a confirmation, and the return that it took along, by its number.
    pub(super) fn confirmed(&mut self, number: u64, accepted: bool, returned: Option<u64>) {
        if let Some(returned) = returned
            && let Some(Some(slot)) = self.slot(returned)
        {
            slot.returned = true;
            if slot.confirmed.is_none() {
                self.open.insert(returned);
            }
        }
        if let Some(Some(slot)) = self.slot(number) {
            slot.confirmed = Some(accepted);
            self.open.remove(&number);
            self.held.push(number);
        }
    }

    /// Takes a publication out that will not be confirmed.
    pub(super) fn failed(&mut self, number: u64) -> Option<T> {
        self.open.remove(&number);
        self.held.retain(|held| *held != number);
        self.remove(number).map(|slot| slot.value)
    }

    /// Everybody who may be answered. Only to be asked when no confirmation that is there is left unnoted.
    pub(super) fn answer(&mut self, mut tell: impl FnMut(T, Answer)) {
        if !self.open.is_empty() {
            return;
        }
        for number in std::mem::take(&mut self.held) {
            if let Some(slot) = self.remove(number) {
                tell(slot.value, Answer { accepted: slot.confirmed == Some(true), routed: !slot.returned });
            }
        }
    }

    /// The first of those that are not answered.
    pub(super) fn oldest(&self) -> Option<&T> {
        // What is taken out at the front leaves no empty slot there.
        self.slots.front()?.as_ref().map(|slot| &slot.value)
    }

    /// All that are not answered, and their values to be changed.
    pub(super) fn values(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().flatten().map(|slot| &mut slot.value)
    }

    /// Takes all out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.open.clear();
        self.held.clear();
        self.len = 0;
        self.first += self.slots.len() as u64;
        std::mem::take(&mut self.slots).into_iter().flatten().map(|slot| slot.value)
    }

    fn remove(&mut self, number: u64) -> Option<Slot<T>> {
        let removed = self.slot(number)?.take()?;
        self.len -= 1;
        while self.slots.front().is_some_and(Option::is_none) {
            self.slots.pop_front();
            self.first += 1;
        }
        Some(removed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// The client library's side: returns wait in a row, and each confirmation takes the first one along.
    fn play(publications: usize, unrouted: &[bool], order: &[(u16, bool)]) {
        let mut returns = Returns::new();
        for number in 0..publications {
            assert_eq!(returns.next(), number as u64);
            returns.push(number);
        }
        let mut pending: Vec<usize> = (0..publications).collect();
        let mut waiting: VecDeque<u64> = VecDeque::new();
        let mut announced: BTreeSet<usize> = BTreeSet::new();
        let mut answers: HashMap<usize, Answer> = HashMap::new();
        let mut order = order.iter().cycle();
        while !pending.is_empty() {
            let (choice, together) = order.next().unwrap();
            // A confirmation of one, or of all up to one, in no order of their own.
            let at = usize::from(*choice) % pending.len();
            let mut batch: Vec<usize> =
                if *together { pending.drain(..=at).collect() } else { vec![pending.remove(at)] };
            // Their returns came before; perhaps others' too.
            let ahead = usize::from(*choice) % 3;
            for number in (0..publications).filter(|n| unrouted[*n]) {
                if (batch.contains(&number) || number < ahead * 7) && announced.insert(number) {
                    waiting.push_back(number as u64);
                }
            }
            let turn = usize::from(*choice) % batch.len();
            batch.rotate_left(turn);
            for number in batch {
                returns.confirmed(number as u64, true, waiting.pop_front());
            }
            returns.answer(|number, answer| assert!(answers.insert(number, answer).is_none(), "answered once"));
        }
        assert_eq!((answers.len(), returns.len()), (publications, 0), "everybody is answered in the end");
        for (number, answer) in answers {
            assert_eq!(answer, Answer { accepted: true, routed: !unrouted[number] }, "{number}");
        }
    }

    proptest! {
        #[test]
        fn each_learns_its_own_result(
            unrouted in proptest::collection::vec(proptest::bool::weighted(0.3), 1..60),
            order in proptest::collection::vec((any::<u16>(), any::<bool>()), 1..60),
        ) {
            play(unrouted.len(), &unrouted, &order);
        }
    }

    #[test]
    fn a_confirmation_with_anothers_return_makes_all_wait() {
        let mut returns = Returns::new();
        returns.push("first");
        returns.push("second");
        returns.confirmed(1, true, Some(0));
        returns.answer(|_, _| panic!("the second's own return may be on its way"));
        returns.confirmed(0, true, Some(1));
        let mut answered = Vec::new();
        returns.answer(|name, answer| answered.push((name, answer.routed)));
        assert_eq!(answered, [("second", false), ("first", false)]);
    }

    #[test]
    fn what_is_not_confirmed_is_taken_out() {
        let mut returns = Returns::new();
        returns.push("first");
        returns.push("second");
        returns.confirmed(1, false, None);
        assert_eq!((returns.failed(0), returns.failed(0), returns.len()), (Some("first"), None, 1));
        returns.answer(|name, answer| assert_eq!((name, answer.accepted), ("second", false)));
        assert_eq!(returns.next(), 2);
    }
}
