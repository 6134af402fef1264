//! What whoever runs sagas looks for in the store: what is due, what is its own without its knowledge, what the dead left.
//!
//! Guarantee: whoever looks waits for nothing but the store and the time.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    drive::Came,
    engine::{Engine, WAITING},
    members::Members,
};
use crate::{
    scope::Scope,
    store::{AT_ONCE, Instance, StoreError},
    text::Text,
};

/// Until it is looked again for what is due, and somebody else has locked.
const PASSED_BY: Duration = Duration::from_millis(100);

impl Engine {
    /// One look at the store, and what follows from it.
    pub(super) async fn look(
        self: &Arc<Self>,
        members: &mut Members,
        scope: &Scope,
        ends: &CancellationToken,
    ) -> Result<(), StoreError> {
        let sagas = self.store.sagas();
        let beats = members.due() <= Instant::now();
        members.keep(sagas, &self.pulse, AT_ONCE).await?;
        let doubts = self.doubts.load(Ordering::Relaxed);
        if beats && doubts > 0 {
            self.sweep().await?;
            // Unless there is something new.
            let _ = self.doubts.compare_exchange(doubts, doubts - 1, Ordering::Relaxed, Ordering::Relaxed);
        }
        self.wanted.store(false, Ordering::Release);
        self.lock().next = None;
        if self.overflowed.load(Ordering::Relaxed) && self.has_room() {
            self.overflowed.store(false, Ordering::Relaxed);
            if let Err(error) = self.sweep().await {
                self.overflowed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        // Reading first: to claim is to write, and there may be one who writes at a time.
        let mut next = sagas.next_due(&self.free()).await?;
        let now = scope.clock().now();
        if next.is_some_and(|due| due <= now) {
            if self.claim(now).await? {
                return Ok(());
            }
            // What is due and was not to be had is somebody else's for now, who has its row locked.
            next = sagas.next_due(&self.free()).await?.map(|due| if due <= now { now + PASSED_BY } else { due });
        }
        let mut until = Instant::now() + self.poll;
        until = until.min(members.due());
        loop {
            let known = self.lock().next;
            let wall = scope.clock().now();
            let first = [next, known].into_iter().flatten().min();
            let wake = first.map(|due| Instant::now() + due.duration_since(wall).unwrap_or_default());
            let wake = wake.map_or(until, |wake| wake.min(until));
            tokio::select! {
                biased;
                () = sleep_until(wake) => return Ok(()),
                () = self.stirred.notified() => {
                    if self.wanted.load(Ordering::Acquire) {
                        return Ok(());
                    }
                }
                () = ends.cancelled() => return Ok(()),
            }
        }
    }

    /// Whether what waits in the store has room to wait here.
    fn has_room(&self) -> bool {
        self.lock().waiting.iter().all(|waiting| waiting.len() < WAITING / 2)
    }

    /// How many more of a saga may be claimed: what was begun waits for a seat before what was not, so that there may be some
    /// where there is no seat.
    fn room(&self, place: usize) -> usize {
        let definition = &self.definitions[place];
        let most = usize::try_from(definition.registration.concurrency).unwrap_or(1).max(1);
        let claimed = self.lock().claimed[place];
        if definition.enabled { most.saturating_sub(claimed) } else { 0 }
    }

    /// The sagas that more may be claimed of.
    fn free(&self) -> Vec<Text> {
        // Before it is looked: a seat that is vacated after it is not missed.
        self.crowded.store(true, Ordering::Relaxed);
        let places = 0..self.definitions.len();
        let named = places.filter(|place| self.room(*place) > 0);
        let free: Vec<_> = named.map(|place| Text::from_static(self.definitions[place].registration.name)).collect();
        if free.len() == self.names.len() {
            self.crowded.store(false, Ordering::Relaxed);
        }
        free
    }

    /// Takes what is due, of each saga as far as there is room. Says whether there may be more.
    async fn claim(self: &Arc<Self>, now: SystemTime) -> Result<bool, StoreError> {
        let mut more = false;
        for (place, definition) in self.definitions.iter().enumerate() {
            let room = u32::try_from(self.room(place)).unwrap_or(u32::MAX);
            if room == 0 {
                continue;
            }
            let name = [Text::from_static(definition.registration.name)];
            let claimed = self.store.sagas().claim(&self.member, &name, now, room).await;
            let claimed = claimed.inspect_err(|_| self.doubt())?;
            more |= claimed.len() >= room as usize;
            for instance in claimed {
                self.admit(instance);
            }
        }
        Ok(more)
    }

    /// Runs one that was claimed. Its seat may have been taken by one that was started meanwhile: then it waits for one, and
    /// whoever looks does not.
    fn admit(self: &Arc<Self>, instance: Instance) {
        let Some((place, definition)) = self.definition(&instance.saga) else { return };
        let seat = definition.seats.clone().try_acquire_owned().ok();
        let mut table = self.lock();
        table.arrive(&instance);
        if let Some(seat) = seat {
            drop(table);
            self.seat(definition.clone(), place, (instance, Came::Claimed), seat);
        } else {
            table.push_claimed(place, instance);
            drop(table);
            self.seat_waiting(place);
        }
    }

    /// Goes on with what is this member's and nowhere in this process.
    async fn sweep(self: &Arc<Self>) -> Result<(), StoreError> {
        let here = self.lock().here.len();
        let limit = u32::try_from(here + WAITING).unwrap_or(u32::MAX);
        let owned = self.store.sagas().owned(&self.member, limit).await?;
        let mut is_whole = owned.len() < limit as usize;
        for instance in owned {
            let Some((place, _)) = self.definition(&instance.saga) else { continue };
            let mut table = self.lock();
            if table.has(&instance) {
                continue;
            }
            if table.waiting[place].len() >= WAITING {
                is_whole = false;
                continue;
            }
            table.arrive(&instance);
            table.waiting[place].push_back((instance, Came::Found));
        }
        if !is_whole {
            self.overflowed.store(true, Ordering::Relaxed);
        }
        self.seat_all_waiting();
        Ok(())
    }
}
