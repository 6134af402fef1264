//! Which partitions a relay has: each has one relay at a time, and each relay about as many as any other.
//!
//! Nobody's clock is compared with anybody else's: a relay shows that it lives by changing a number, and whoever saw the same
//! number for a whole lease, by its own monotonic clock, takes over, if the number is still that one then. Whoever was away
//! itself, suspended or without its database, begins to count anew: those that were away with it live.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::{
    failpoint::{self, Sabotage},
    store::{Outbox, PARTITIONS, Partition, StoreError},
    text::Text,
};

/// A relay shows so many times a lease that it lives.
const BEATS: u32 = 4;

pub(super) struct Membership {
    name: Text,
    lease: Duration,
    own: Vec<u16>,
    /// When it shows next that it lives.
    due: Instant,
    /// Until when others leave its partitions to it.
    held_until: Instant,
    /// It could not show in time that it lives, since it looked at the others last.
    was_away: bool,
    /// The others, with the number that was seen last and since when.
    others: BTreeMap<Text, (i64, Instant)>,
    /// Names that have partitions and no number, and since when: a relay that was taken for dead, took a partition all the
    /// same, and died then.
    strangers: BTreeMap<Text, Instant>,
}

impl Membership {
    pub(super) fn new(name: Text, lease: Duration) -> Self {
        let now = Instant::now();
        let (others, strangers) = (BTreeMap::new(), BTreeMap::new());
        Self { name, lease, own: Vec::new(), due: now, held_until: now, was_away: false, others, strangers }
    }

    /// The partitions that are its own now.
    pub(super) fn own(&self) -> &[u16] {
        &self.own
    }

    /// When [`keep`](Self::keep) has something to do again.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Shows that it lives, takes what is its share, gives back what is more.
    ///
    /// # Errors
    /// What the database said. It has no partition then whose lease may be over.
    pub(super) async fn keep(&mut self, outbox: &dyn Outbox) -> Result<(), StoreError> {
        let now = Instant::now();
        if now < self.due {
            return Ok(());
        }
        if now >= self.held_until {
            // Others may have them by now.
            self.own.clear();
        }
        // Whatever kept it from showing that it lives may have kept the others from it.
        self.was_away |= now + self.lease / BEATS >= self.held_until;
        self.own = outbox.beat(&self.name).await?;
        // By when it was sent, not by when it was answered.
        self.held_until = now + self.lease;
        self.due = now + self.lease / BEATS;
        let relays = outbox.relays().await?;
        if std::mem::take(&mut self.was_away) {
            self.others.clear();
            self.strangers.clear();
        }
        self.others.retain(|name, _| relays.iter().any(|(known, _)| known == name));
        for (name, beat) in relays.into_iter().filter(|(name, _)| *name != self.name) {
            match self.others.get_mut(&name) {
                Some((seen, _)) if *seen == beat => {}
                _ => {
                    self.others.insert(name, (beat, now));
                }
            }
        }
        let (living, dead): (Vec<_>, Vec<_>) =
            self.others.iter().partition(|(_, (_, since))| now.duration_since(*since) < self.lease);
        let share = usize::from(PARTITIONS).div_ceil(living.len() + 1);
        let dead: Vec<(Text, i64)> = dead.into_iter().map(|(name, (beat, _))| (name.clone(), *beat)).collect();
        self.balance(outbox, share, &dead).await?;
        for (name, beat) in dead {
            // Only now: until its partitions are taken, it is known to be dead.
            outbox.leave(&name, Some(beat)).await?;
            self.others.remove(&name);
        }
        Ok(())
    }

    /// Waits until it has to show that it lives, while it is busy with its rows, and does.
    ///
    /// # Errors
    /// What the database said.
    pub(super) async fn show_in_time(&mut self, outbox: &dyn Outbox) -> Result<(), StoreError> {
        sleep_until(self.silent_until()).await;
        self.show(outbox).await
    }

    fn silent_until(&self) -> Instant {
        (self.held_until - self.lease / 2).max(self.due)
    }

    /// Shows that it lives, and changes nothing of what is its own: rows of it are on their way.
    ///
    /// # Errors
    /// What the database said.
    async fn show(&mut self, outbox: &dyn Outbox) -> Result<(), StoreError> {
        let now = Instant::now();
        self.was_away |= now + self.lease / BEATS >= self.held_until;
        outbox.beat(&self.name).await?;
        self.held_until = now + self.lease;
        Ok(())
    }

    async fn balance(&mut self, outbox: &dyn Outbox, share: usize, dead: &[(Text, i64)]) -> Result<(), StoreError> {
        // What the dead had comes first: once they are forgotten, nobody would take it.
        if self.own.len() > share && dead.is_empty() {
            let more = self.own.split_off(share);
            return outbox.release(&self.name, &more).await;
        }
        // As long as something is nobody's, somebody has less than a share, and looks.
        if self.own.len() == share && dead.is_empty() {
            self.strangers.clear();
            return Ok(());
        }
        let partitions = outbox.partitions().await?;
        let gone = self.gone(&partitions);
        // A dead one's are all taken, whatever the share: next time there is more to give back than to wait for.
        let mut room = share.saturating_sub(self.own.len());
        let mut is_wanted = |Partition { relay, beat, .. }: &Partition| {
            let was_seen = |(name, seen): &(Text, i64)| name == relay && *beat == Some(*seen);
            let is_gone = gone.contains(relay) && beat.is_none();
            let is_dead = (dead.iter().any(was_seen) || is_gone) && !failpoint::is_broken(Sabotage::NoTakeover);
            let is_wanted = is_dead || (relay.is_empty() && room > 0);
            room = room.saturating_sub(usize::from(is_wanted));
            is_wanted
        };
        let wanted: Vec<Partition> = partitions.into_iter().filter(|partition| is_wanted(partition)).collect();
        self.own.extend(outbox.take(&wanted, &self.name).await?);
        Ok(())
    }

    /// The strangers that have been there for a lease. One that has just come is known next time.
    fn gone(&mut self, partitions: &[Partition]) -> Vec<Text> {
        let now = Instant::now();
        let is_strange = |name: &Text| !name.is_empty() && *name != self.name && !self.others.contains_key(name);
        let seen: Vec<&Text> =
            partitions.iter().map(|partition| &partition.relay).filter(|name| is_strange(name)).collect();
        self.strangers.retain(|name, _| seen.contains(&name));
        for name in seen {
            self.strangers.entry(name.clone()).or_insert(now);
        }
        let gone = self.strangers.iter().filter(|(_, since)| now.duration_since(**since) >= self.lease);
        gone.map(|(name, _)| name.clone()).collect()
    }

    /// Gives everything back.
    pub(super) async fn leave(&mut self, outbox: &dyn Outbox) -> Result<(), StoreError> {
        let own = std::mem::take(&mut self.own);
        if !own.is_empty() {
            outbox.release(&self.name, &own).await?;
        }
        outbox.leave(&self.name, None).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::{store::Store, stores::MemoryStore};

    const LEASE: Duration = Duration::from_secs(8);

    async fn a_beat(store: &MemoryStore, relays: &mut [Membership]) {
        advance(LEASE / BEATS).await;
        for relay in relays {
            relay.keep(store.outbox()).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_dead_had_is_taken_even_by_one_that_has_too_much() {
        let store = MemoryStore::new();
        let new = |name: &'static str| Membership::new(Text::from_static(name), LEASE);
        let mut relays = vec![new("a"), new("dead")];
        for _ in 0..8 {
            a_beat(&store, &mut relays).await;
        }
        assert_eq!(relays.iter().map(|relay| relay.own().len()).collect::<Vec<_>>(), [8, 8]);
        relays.pop();
        for _ in 0..BEATS {
            a_beat(&store, &mut relays).await;
        }
        // When its lease ends, others have just come, so that the one that is left has more than its share.
        relays.splice(0..0, [new("b"), new("c")]);
        for _ in 0..16 {
            a_beat(&store, &mut relays).await;
        }
        let shares: Vec<_> = relays.iter().map(|relay| relay.own().len()).collect();
        assert!(shares.iter().sum::<usize>() == 16 && shares.iter().all(|share| *share <= 6), "{shares:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_somebody_has_who_is_not_known_is_taken_after_a_lease() {
        let store = MemoryStore::new();
        let free = Partition { number: 3, relay: Text::default(), beat: None };
        assert_eq!(store.outbox().take(std::slice::from_ref(&free), "ghost").await.unwrap(), [free.number]);
        let mut relays = [Membership::new(Text::from_static("a"), LEASE)];
        for _ in 0..BEATS {
            a_beat(&store, &mut relays).await;
            assert_eq!(relays[0].own().len(), 15, "it may have just come");
        }
        a_beat(&store, &mut relays).await;
        assert_eq!(relays[0].own().len(), 16);
    }

    /// Both were without their database, or suspended with their machine: who is back first is not alone.
    #[tokio::test(start_paused = true)]
    async fn whoever_was_away_itself_takes_nobody_for_dead() {
        let store = MemoryStore::new();
        let new = |name: &'static str| Membership::new(Text::from_static(name), LEASE);
        let mut relays = [new("a"), new("b")];
        for _ in 0..8 {
            a_beat(&store, &mut relays).await;
        }
        assert_eq!(relays.iter().map(|relay| relay.own().len()).collect::<Vec<_>>(), [8, 8]);
        advance(LEASE * 3).await;
        relays[0].keep(store.outbox()).await.unwrap();
        assert_eq!(relays[0].own().len(), 8, "the other was away as long");
        relays[1].keep(store.outbox()).await.unwrap();
        assert_eq!(relays[1].own().len(), 8);
        // One that does not come back is dead a lease later.
        for _ in 0..=BEATS {
            a_beat(&store, &mut relays[..1]).await;
        }
        assert_eq!(relays[0].own().len(), 16);
    }
}
