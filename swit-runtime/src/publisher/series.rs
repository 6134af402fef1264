//! What is counted of publications, by topic.
//!
//! Guarantee: there are as many series as topics that were known at the start, and one for all others; what is published adds
//! at most `MOST_LEARNED`, and only by publishers that are made while the service runs, whose topics nobody can know
//! before. A publication that is answered at once costs one lookup, one counter and, one time in eight, the clock.

use std::{
    collections::HashMap,
    sync::{
        OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use foldhash::fast::RandomState;
use tokio::time::Instant;

use super::flight::Answer;
use crate::{error::PublishError, text::Text, topic::check_topic};

/// Bounds of durations: 1 ms · 2ⁿ, for these n.
pub(crate) const FIRST: i32 = -10;
pub(crate) const LAST: i32 = 13;
const BOUNDS: usize = (LAST - FIRST + 1) as usize;
/// Bounds of batches: 2ⁿ publications, up to 4,096.
pub(crate) const BATCHES: usize = 13;
/// Of publications that are answered at once, one in so many is measured.
const SAMPLE: u64 = 8;
/// So many topics of publishers that are made while the service runs have series of their own: the first.
const MOST_LEARNED: usize = 100;

/// The label of topics that nobody registered.
const OTHER: Text = Text::from_static("other");

/// What is counted of publications.
#[derive(Debug)]
pub(crate) struct Published {
    places: HashMap<Text, usize, RandomState>,
    /// The last one is that of all other topics.
    series: Vec<Series>,
    /// Topics that were learned while the service runs; their places begin behind the last of `series`.
    learned: Box<[OnceLock<Box<Series>>]>,
    /// How many there are, so that whoever finds none need not lock.
    many_learned: AtomicUsize,
    learned_places: RwLock<HashMap<Text, usize, RandomState>>,
    /// The place that was looked up last: most often it is asked for again, and comparing a topic costs less than a lookup.
    last: AtomicUsize,
}

/// What is counted of publications to one topic.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) topic: Text,
    /// Confirmed at once.
    at_once: AtomicU64,
    /// Confirmed after somebody waited.
    confirmed: AtomicU64,
    /// Of those confirmed at once, how many a measured one stands for.
    measured: AtomicU64,
    pub(crate) errors: [AtomicU64; PublishError::KINDS.len()],
    pub(crate) unrouted: AtomicU64,
    pub(crate) durations: [AtomicU64; BOUNDS + 1],
    pub(crate) nanos: AtomicU64,
    pub(crate) batches: [AtomicU64; BATCHES + 1],
    pub(crate) batched: AtomicU64,
}

/// What becomes of one publication is counted here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    place: usize,
    /// When it began, if it is measured although it does not wait; by the clock that tests do not pause.
    began: Option<std::time::Instant>,
}

impl Published {
    /// For these topics, each once.
    pub(crate) fn new(topics: impl IntoIterator<Item = Text>) -> Self {
        let mut topics: Vec<Text> = topics.into_iter().filter(|topic| *topic != OTHER).collect();
        topics.sort();
        topics.dedup();
        topics.push(OTHER);
        let places = topics.iter().enumerate().map(|(place, topic)| (topic.clone(), place)).collect();
        Self {
            places,
            series: topics.into_iter().map(Series::new).collect(),
            learned: (0..MOST_LEARNED).map(|_| OnceLock::new()).collect(),
            many_learned: AtomicUsize::new(0),
            learned_places: RwLock::default(),
            last: AtomicUsize::new(0),
        }
    }

    /// All series.
    pub(crate) fn series(&self) -> impl Iterator<Item = &Series> {
        self.series.iter().chain(self.learned.iter().filter_map(|series| series.get().map(|series| &**series)))
    }

    /// The series in a place; that of all others, if there is none.
    #[inline]
    fn at(&self, place: usize) -> &Series {
        self.series.get(place).unwrap_or_else(|| self.learned_at(place))
    }

    fn learned_at(&self, place: usize) -> &Series {
        let learned = place.checked_sub(self.series.len()).and_then(|place| self.learned.get(place)?.get());
        learned.map_or_else(|| &self.series[self.other()], |series| &**series)
    }

    /// The place of all other topics.
    fn other(&self) -> usize {
        self.series.len() - 1
    }

    #[inline]
    fn place(&self, topic: &str) -> usize {
        let last = self.last.load(Ordering::Relaxed);
        if *self.at(last).topic == *topic { last } else { self.find(topic) }
    }

    fn find(&self, topic: &str) -> usize {
        let place = self.places.get(topic).copied().or_else(|| self.find_learned(topic)).unwrap_or(self.other());
        self.last.store(place, Ordering::Relaxed);
        place
    }

    fn find_learned(&self, topic: &str) -> Option<usize> {
        if self.many_learned.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.learned_places.read().unwrap_or_else(PoisonError::into_inner).get(topic).copied()
    }

    /// Gives a topic that nobody knew a place of its own, if it is one and there is room.
    #[cold]
    fn learn(&self, topic: &Text) -> usize {
        let other = self.other();
        // Once all places are taken this locks nothing, however many topics there are.
        if self.many_learned.load(Ordering::Acquire) >= MOST_LEARNED || *topic == OTHER || check_topic(topic).is_err() {
            return other;
        }
        let mut places = self.learned_places.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have come first.
        if let Some(place) = places.get(topic) {
            return *place;
        }
        let at = places.len();
        let Some(free) = self.learned.get(at) else { return other };
        free.get_or_init(|| Box::new(Series::new(topic.clone())));
        places.insert(topic.clone(), self.series.len() + at);
        self.many_learned.store(at + 1, Ordering::Release);
        self.series.len() + at
    }

    /// A publication to this topic begins. `learns`: by a publisher whose topics could not be known.
    #[inline]
    pub(super) fn begin(&self, topic: &Text, learns: bool) -> Ticket {
        let mut place = self.place(topic);
        if learns && place == self.other() {
            place = self.learn(topic);
        }
        let series = self.at(place);
        // Whether they wait or not, this moves on.
        let so_far = series.at_once.load(Ordering::Relaxed).wrapping_add(series.confirmed.load(Ordering::Relaxed));
        Ticket { place, began: so_far.is_multiple_of(SAMPLE).then(std::time::Instant::now) }
    }

    /// It was answered at once. A refusal took no time that anybody asks for.
    #[inline]
    pub(super) fn answered(&self, ticket: Ticket, answer: &Answer) {
        let series = self.at(ticket.place);
        if let Err(error) = answer {
            return series.failed(error);
        }
        let so_far = series.at_once.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(began) = ticket.began {
            let before = series.measured.fetch_max(so_far, Ordering::Relaxed);
            series.took(began.elapsed(), so_far.saturating_sub(before));
        }
    }

    /// It was answered, after this time.
    pub(super) fn landed(&self, ticket: Ticket, since: Instant, answer: &Answer) {
        let series = self.at(ticket.place);
        match answer {
            Ok(_) => {
                series.confirmed.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => series.failed(error),
        }
        series.took(since.elapsed(), 1);
    }

    /// It came to nothing before it was on its way.
    pub(super) fn failed(&self, topic: &str, error: &PublishError) {
        self.at(self.place(topic)).failed(error);
    }

    /// No queue took it.
    pub(super) fn unrouted(&self, topic: &str) {
        self.at(self.place(topic)).unrouted.fetch_add(1, Ordering::Relaxed);
    }

    /// Publications to these topics go out together.
    pub(super) fn batch<'a>(&self, topics: impl Iterator<Item = &'a Text>) {
        // Usually there is one.
        let mut each: Vec<(usize, u64)> = Vec::new();
        for topic in topics {
            let place = self.place(topic);
            match each.iter_mut().find(|(known, _)| *known == place) {
                Some((_, many)) => *many += 1,
                None => each.push((place, 1)),
            }
        }
        for (place, many) in each {
            let series = self.at(place);
            let at = (many.saturating_sub(1).checked_ilog2().map_or(0, |log| log as usize + 1)).min(BATCHES);
            series.batches[at].fetch_add(1, Ordering::Relaxed);
            series.batched.fetch_add(many, Ordering::Relaxed);
        }
    }
}

impl Series {
    fn new(topic: Text) -> Self {
        Self {
            topic,
            at_once: AtomicU64::new(0),
            confirmed: AtomicU64::new(0),
            measured: AtomicU64::new(0),
            errors: Default::default(),
            unrouted: AtomicU64::new(0),
            durations: Default::default(),
            nanos: AtomicU64::new(0),
            batches: Default::default(),
            batched: AtomicU64::new(0),
        }
    }

    /// How many were confirmed.
    pub(crate) fn succeeded(&self) -> u64 {
        self.at_once.load(Ordering::Relaxed) + self.confirmed.load(Ordering::Relaxed)
    }

    fn failed(&self, error: &PublishError) {
        let kind = error.kind();
        if let Some(at) = PublishError::KINDS.iter().position(|known| *known == kind) {
            self.errors[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn took(&self, duration: Duration, many: u64) {
        if many == 0 {
            return;
        }
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).min(1 << 53);
        // In units of the first bound, which is 1 ms / 2¹⁰; a duration of exactly a bound belongs below it.
        let units = nanos.saturating_sub(1) * 1_024 / 1_000_000;
        let at = units.checked_ilog2().map_or(0, |log| log as usize + 1).min(BOUNDS);
        self.durations[at].fetch_add(many, Ordering::Relaxed);
        self.nanos.fetch_add(nanos.saturating_mul(many), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(series: &Series) -> Vec<(usize, u64)> {
        let many = series.durations.iter().map(|many| many.load(Ordering::Relaxed));
        many.enumerate().filter(|(_, many)| *many > 0).collect()
    }

    #[test]
    fn a_duration_of_exactly_a_bound_is_below_it() {
        for exponent in 0..=LAST {
            let series = Series::new("t".into());
            let bound = Duration::from_millis(1 << exponent);
            series.took(bound, 1);
            series.took(bound + Duration::from_nanos(1), 2);
            let at = usize::try_from(exponent - FIRST).unwrap();
            assert_eq!(buckets(&series), [(at, 1), (at + 1, 2)], "{exponent}");
        }
        let series = Series::new("t".into());
        series.took(Duration::MAX, 1);
        series.took(Duration::ZERO, 1);
        assert_eq!(buckets(&series), [(0, 1), (BOUNDS, 1)]);
    }

    #[test]
    fn those_that_are_measured_stand_for_all() {
        let published = Published::new(["a".into(), "other".into(), "a".into()]);
        for _ in 0..1_001 {
            published.answered(published.begin(&"a".into(), false), &Ok(crate::id::MessageId::EMPTY));
        }
        let series = &published.series[0];
        let counted: u64 = buckets(series).iter().map(|(_, many)| many).sum();
        assert_eq!((series.succeeded(), counted, published.series().count()), (1_001, 1_001, 2));
    }

    #[test]
    fn where_confirmations_are_waited_for_the_clock_is_read_no_more_often() {
        let published = Published::new(["a".into()]);
        let mut read = 0;
        for _ in 0..800 {
            let ticket = published.begin(&"a".into(), false);
            read += u32::from(ticket.began.is_some());
            published.landed(ticket, Instant::now(), &Ok(crate::id::MessageId::EMPTY));
        }
        assert_eq!(read, 100);
    }

    #[test]
    fn publishers_that_are_made_later_add_a_bounded_number_of_topics() {
        let published = Published::new(["a".into()]);
        let publish = |topic: &str, learns| {
            published.answered(published.begin(&topic.into(), learns), &Ok(crate::id::MessageId::EMPTY));
        };
        publish("not a topic", true);
        for n in 0..2 * MOST_LEARNED {
            publish(&format!("b.{n}"), true);
        }
        // Known now, whoever publishes to it.
        publish("b.0", false);
        publish("a", true);
        let all: Vec<(&str, u64)> = published.series().map(|series| (&*series.topic, series.succeeded())).collect();
        assert_eq!(all.len(), 2 + MOST_LEARNED);
        assert_eq!(all[..4], [("a", 1), ("other", 1 + MOST_LEARNED as u64), ("b.0", 2), ("b.1", 1)]);
    }

    #[test]
    fn a_hundred_thousand_topics_are_one_series() {
        let published = Published::new(["a".into()]);
        for n in 0..100_000 {
            published.answered(published.begin(&format!("a.{n}").into(), false), &Err(PublishError::Closed));
        }
        let topics: Vec<_> = published.series().map(|series| &*series.topic).collect();
        assert_eq!(topics, ["a", "other"]);
        let closed = published.series[1].errors.iter().map(|many| many.load(Ordering::Relaxed)).sum::<u64>();
        assert_eq!(closed, 100_000);
    }

    #[test]
    fn batches_are_counted_by_topic() {
        let published = Published::new(["a".into(), "b".into()]);
        let topics: Vec<Text> = ["a", "a", "b", "a"].map(Text::from).into();
        published.batch(topics.iter());
        let of = |at: usize| published.series[at].batches.iter().position(|many| many.load(Ordering::Relaxed) == 1);
        assert_eq!((of(0), of(1)), (Some(2), Some(0)));
    }
}
