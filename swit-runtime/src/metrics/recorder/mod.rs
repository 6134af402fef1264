//! A program's own metrics: what it records through the facade of the crate `metrics`, kept for the metrics page.
//!
//! Made here and not by an exporter so that nothing grows without bounds: a histogram is a few counters from its first value
//! on, not a list of samples that somebody has to work off, and no more series are kept than a page can bear.

mod family;
mod names;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use ::metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, SharedString, Unit};
use family::{Family, Value};

use super::{Kind, Page};

/// Most series of one name. Whoever labels by what comes out of messages reaches it.
const MOST_OF_A_NAME: usize = 1_000;
/// Most names.
const MOST_NAMES: usize = 1_000;

static GLOBAL: OnceLock<Recorder> = OnceLock::new();
/// Whether somebody was told already that the program has a recorder of its own.
static TOLD: AtomicBool = AtomicBool::new(false);

/// Keeps a program's own metrics. [`install`](Self::install)ed by `swit::run()`.
#[derive(Clone, Default)]
pub struct Recorder {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Known already, by what a macro passes: the way that is taken when a metric is recorded.
    counters: RwLock<HashMap<Key, Counter>>,
    gauges: RwLock<HashMap<Key, Gauge>>,
    histograms: RwLock<HashMap<Key, Histogram>>,
    families: Mutex<Families>,
}

#[derive(Default)]
struct Families {
    by_name: BTreeMap<String, Family>,
    /// Names of samples, which are more than those of families.
    taken: HashSet<String>,
    descriptions: HashMap<String, (Option<Unit>, SharedString)>,
    bounds: HashMap<String, Vec<f64>>,
    /// Names that somebody was warned of.
    warned: HashSet<String>,
    /// What is to be said once nobody holds the lock: the name, and why.
    refused: Option<(String, String)>,
}

impl Recorder {
    /// Makes this process's recorder the one that the facade records with, if the program has not chosen one; then there is
    /// one warning, and nothing of the program's own is on the metrics page. Installing it again changes nothing.
    ///
    /// `swit::run()` does it; do it earlier to say the buckets of histograms:
    ///
    /// ```
    /// if let Some(recorder) = swit_runtime::metrics::Recorder::install() {
    ///     recorder.buckets("order_value_dollars", (0..15).map(|exponent| 2_f64.powi(exponent)));
    /// }
    /// ```
    pub fn install() -> Option<&'static Self> {
        if Self::global().is_some() || TOLD.swap(true, Ordering::Relaxed) {
            return Self::global();
        }
        let recorder = Self::default();
        if ::metrics::set_global_recorder(recorder.clone()).is_ok() {
            let _ = GLOBAL.set(recorder);
        } else {
            tracing::warn!(
                "the program records its metrics with a recorder of its own: they are not on the metrics page; leave it out, or export them by its means"
            );
        }
        Self::global()
    }

    /// The one that was installed in this process.
    pub fn global() -> Option<&'static Self> {
        GLOBAL.get()
    }

    /// Counts the values of this histogram by these upper bounds, from the next one that is made: its first value fixes it.
    ///
    /// Without, durations (`…_seconds`) go from a millisecond to a minute, sizes (`…_bytes`) from 64 bytes to 16 MiB, and
    /// all others from 1 to some million.
    pub fn buckets(&self, histogram: &str, bounds: impl IntoIterator<Item = f64>) {
        let mut bounds: Vec<f64> = bounds.into_iter().filter(|bound| bound.is_finite()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        self.families().bounds.insert(names::metric(histogram), bounds);
    }

    fn families(&self) -> MutexGuard<'_, Families> {
        // Nothing panics while it is held.
        self.inner.families.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>, description: SharedString) {
        let mut families = self.families();
        if families.descriptions.len() < MOST_NAMES {
            families.descriptions.insert(names::metric(name.as_str()), (unit, description));
        }
    }

    /// Writes all of it, but for names that are on the page already: those of whoever starts with this prefix.
    pub(crate) fn write(&self, prefix: &str, page: &mut Page) {
        let mut left_out = Vec::new();
        {
            let mut families = self.families();
            let Families { by_name, descriptions, warned, .. } = &mut *families;
            for (name, family) in by_name.iter() {
                if name.starts_with(prefix) {
                    if warned.insert(name.clone()) {
                        left_out.push(name.clone());
                    }
                    continue;
                }
                let help = descriptions.get(name).map_or("", |(_, help)| help.as_ref());
                family.write(name, help, page);
            }
        }
        for name in left_out {
            tracing::warn!(metric = %name, "is not on the metrics page: names that begin like this are swit's own; rename it");
        }
    }

    /// The value of this key, made if it is new; `None`: it may not be, which is said once.
    fn value(&self, key: &Key, kind: Kind) -> Option<Arc<Value>> {
        let (value, refused) = {
            let mut families = self.families();
            (families.value(key, kind), families.refused.take())
        };
        // Not under the lock: a program may count what is logged.
        if let Some((name, why)) = refused {
            tracing::warn!(metric = %name, %why, "a metric is not kept (said once)");
        }
        value
    }
}

impl Families {
    /// The value of this key, made if it is new; `None`: it may not be.
    fn value(&mut self, key: &Key, kind: Kind) -> Option<Arc<Value>> {
        let name = names::metric(key.name());
        if !self.by_name.contains_key(&name) {
            let samples = names::samples(&name, kind);
            if let Some(taken) = samples.iter().find(|sample| self.taken.contains(*sample)) {
                let taken = taken.clone();
                return self.refuse(
                    &name,
                    &format!("there is a metric of another type that has the samples `{taken}`; rename it"),
                );
            }
            if self.by_name.len() >= MOST_NAMES {
                return self.refuse(
                    "…",
                    &format!("there are {MOST_NAMES} names already: do not make them of what is in messages"),
                );
            }
            let unit = self.descriptions.get(&name).and_then(|(unit, _)| *unit);
            let bounds = self.bounds.get(&name).cloned().unwrap_or_else(|| family::bounds(&name, unit));
            self.taken.extend(samples);
            self.by_name.insert(name.clone(), Family::new(kind, bounds));
        }
        let family = self.by_name.get_mut(&name)?;
        if family.kind() != kind {
            return self.refuse(&name, "it is recorded as another type already; rename one of them");
        }
        let labels = names::labels(key.labels(), kind);
        match family.value(labels, MOST_OF_A_NAME) {
            Some(value) => Some(value),
            None => self.refuse(
                &name,
                &format!("it has {MOST_OF_A_NAME} series already: do not label it by what is in messages"),
            ),
        }
    }

    fn refuse(&mut self, name: &str, why: &str) -> Option<Arc<Value>> {
        if self.warned.len() <= MOST_NAMES && self.warned.insert(name.to_owned()) {
            self.refused = Some((name.to_owned(), why.to_owned()));
        }
        None
    }
}

/// The handle of a key: the known one, else a new one, else one that keeps nothing.
fn handle<H: Clone>(known: &RwLock<HashMap<Key, H>>, key: &Key, nothing: H, new: impl FnOnce() -> Option<H>) -> H {
    if let Some(found) = known.read().unwrap_or_else(PoisonError::into_inner).get(key) {
        return found.clone();
    }
    let Some(made) = new() else { return nothing };
    known.write().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), made.clone());
    made
}

impl ::metrics::Recorder for Recorder {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&key, unit, description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&key, unit, description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&key, unit, description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let make = || Some(Counter::from_arc(self.value(key, Kind::Counter)?));
        handle(&self.inner.counters, key, Counter::noop(), make)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let make = || Some(Gauge::from_arc(self.value(key, Kind::Gauge)?));
        handle(&self.inner.gauges, key, Gauge::noop(), make)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let make = || Some(Histogram::from_arc(self.value(key, Kind::Histogram)?));
        handle(&self.inner.histograms, key, Histogram::noop(), make)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("names", &self.families().by_name.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ::metrics::{counter, describe_counter, gauge, histogram, with_local_recorder};

    use super::*;

    fn text(record: impl FnOnce()) -> (Recorder, String) {
        let recorder = Recorder::default();
        with_local_recorder(&recorder, record);
        let mut page = Page::new();
        recorder.write("swit_messaging_", &mut page);
        let text = page.finish();
        (recorder, text)
    }

    #[test]
    fn what_is_recorded_is_written() {
        let (_, text) = text(|| {
            describe_counter!("orders", "How many\nthere were");
            counter!("orders", "type" => "a\"b").increment(2);
            counter!("orders", "type" => "a\"b").increment(1);
            gauge!("depth").set(2.5);
            gauge!("depth").decrement(1.0);
            histogram!("took_seconds").record(0.02);
        });
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("took") || line.contains("0.02")).collect();
        assert_eq!(
            lines,
            [
                "# HELP depth ",
                "# TYPE depth gauge",
                "depth 1.5",
                "# HELP orders How many\\nthere were",
                "# TYPE orders counter",
                "orders{type=\"a\\\"b\"} 3",
                "took_seconds_bucket{le=\"0.025\"} 1",
                "took_seconds_sum 0.02",
            ]
        );
    }

    #[test]
    fn a_page_stays_valid_whatever_names_a_program_uses() {
        let (_, text) = text(|| {
            counter!("swit_messaging_messages_consumed_total").increment(1);
            counter!("1 odd näme", "le gal" => "x", "le gal" => "y").increment(1);
            counter!("twice").increment(1);
            gauge!("twice").set(1.0);
            histogram!("h", "le" => "1").record(1.0);
            counter!("h_count").increment(1);
            counter!("a.b", "x" => "1").increment(1);
            counter!("a_b", "x" => "1").increment(1);
        });
        let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        assert_eq!(names, ["_1_odd_n_me counter", "a_b counter", "h histogram", "twice counter"]);
        assert!(text.contains("_1_odd_n_me{le_gal=\"x\"} 1\n"), "{text}");
        assert!(text.contains("a_b{x=\"1\"} 2\n") && text.contains("h_count{le_=\"1\"} 1\n"), "{text}");
    }

    #[test]
    fn series_are_bounded() {
        let (recorder, text) = text(|| {
            for n in 0..3 * MOST_OF_A_NAME {
                counter!("orders", "id" => n.to_string()).increment(1);
            }
        });
        assert_eq!(text.lines().count(), MOST_OF_A_NAME + 2);
        assert_eq!(recorder.inner.counters.read().unwrap().len(), MOST_OF_A_NAME);
    }

    #[test]
    fn buckets_are_those_that_were_asked_for() {
        let recorder = Recorder::default();
        recorder.buckets("value", [10.0, 1.0, f64::NAN, 10.0]);
        with_local_recorder(&recorder, || histogram!("value").record(5.0));
        let mut page = Page::new();
        recorder.write("x_", &mut page);
        let text = page.finish();
        let expected =
            "value_bucket{le=\"1\"} 0\nvalue_bucket{le=\"10\"} 1\nvalue_bucket{le=\"+Inf\"} 1\nvalue_sum 5\n";
        assert!(text.contains(expected), "{text}");
    }
}
