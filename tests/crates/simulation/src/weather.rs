//! How much goes wrong in a world, and what.

use std::time::Duration;

use crate::chance::Chance;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It takes so long.
    Late(Duration),
    /// Another transaction was in the way: nothing was done.
    Conflict,
    /// The connection was lost before anything was done.
    Lost,
    /// The connection was lost after it was done.
    LostAfter,
    /// The process dies before it is done.
    Crash,
    /// The process dies after it is done.
    CrashAfter,
    /// The process stands still for so long, and then goes on.
    Suspend(Duration),
    /// The process stands still after it is done.
    SuspendAfter(Duration),
}

/// How often what happens, in a thousand calls.
#[derive(Debug)]
pub(crate) struct Weather {
    late: u64,
    conflict: u64,
    lost: u64,
    crash: u64,
    suspend: u64,
    /// A publication comes twice.
    pub(crate) twice: u64,
    /// A publication is held up, so that others overtake it.
    pub(crate) held_up: u64,
}

impl Weather {
    pub(crate) fn new(chance: &Chance) -> Self {
        // Each by itself is calm, usual or bad.
        Self {
            late: chance.pick(&[0, 20, 100]),
            conflict: chance.pick(&[0, 10, 60]),
            lost: chance.pick(&[0, 10, 60]),
            crash: chance.pick(&[0, 4, 15]),
            suspend: chance.pick(&[0, 2, 10]),
            twice: chance.pick(&[0, 100, 500]),
            held_up: chance.pick(&[0, 100, 500]),
        }
    }

    /// What happens to the next call.
    pub(crate) fn next(&self, chance: &Chance) -> Option<Fault> {
        let mut drawn = chance.of(0..1_000);
        // Each takes its share of the thousand.
        let mut is = |often: u64| {
            let is = drawn < often;
            if !is {
                drawn -= often;
            }
            is
        };
        if is(self.late) {
            let most = chance.pick(&[50, 2_000, 9_000]);
            return Some(Fault::Late(chance.millis(1..most)));
        }
        if is(self.conflict) {
            return Some(Fault::Conflict);
        }
        if is(self.lost) {
            return Some(chance.pick(&[Fault::Lost, Fault::LostAfter]));
        }
        if is(self.crash) {
            return Some(chance.pick(&[Fault::Crash, Fault::CrashAfter]));
        }
        if is(self.suspend) {
            let time = chance.millis(1..90_000);
            return Some(chance.pick(&[Fault::Suspend(time), Fault::SuspendAfter(time)]));
        }
        None
    }
}
