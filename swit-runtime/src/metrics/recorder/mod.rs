//! A program's own metrics: what it records through the facade of the crate `metrics`, kept for the metrics page.
//!
//! Made here and not by an exporter so that nothing grows without bounds: a histogram is a few counters from its first value
//! on, not a list of samples that somebody has to work off, and no more series are kept than a page can bear (`families`).
//! Whoever asks for the page keeps nobody from recording: it is written without a lock, and lets others run meanwhile.

mod families;
mod family;
mod known;
mod names;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock},
};

use ::metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, SharedString, Unit};
use families::{Families, MOST_BOUNDS, Refusal};
use family::Value;
use known::Known;

use super::{Kind, Page};

/// The recorder of this process; none, if the program has one of its own.
static GLOBAL: OnceLock<Option<Recorder>> = OnceLock::new();

/// Keeps a program's own metrics. [`install`](Self::install)ed by `swit::run()`.
#[derive(Clone, Default)]
pub struct Recorder {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Known already, by what a macro passes: the way that is taken when a metric is recorded. Locked after `families`.
    counters: RwLock<Known>,
    gauges: RwLock<Known>,
    histograms: RwLock<Known>,
    families: Mutex<Families>,
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
        let mut is_refused = false;
        let installed = GLOBAL.get_or_init(|| {
            let recorder = Self::default();
            is_refused = ::metrics::set_global_recorder(recorder.clone()).is_err();
            (!is_refused).then_some(recorder)
        });
        if is_refused {
            tracing::warn!(
                "the program records its metrics with a recorder of its own: they are not on the metrics page; leave it out, or export them by its means"
            );
        }
        installed.as_ref()
    }

    /// The one that was installed in this process.
    pub fn global() -> Option<&'static Self> {
        GLOBAL.get()?.as_ref()
    }

    /// Counts the values of this histogram by these upper bounds, of which the first 200 count, from the next one that is
    /// made: its first value fixes it.
    ///
    /// Without, durations (`…_seconds`) go from a millisecond to a minute, sizes (`…_bytes`) from 64 bytes to 16 MiB, and
    /// all others from 1 to some million.
    pub fn buckets(&self, histogram: &str, bounds: impl IntoIterator<Item = f64>) {
        let finite = bounds.into_iter().filter(|bound| bound.is_finite());
        let mut bounds: Vec<f64> = finite.take(MOST_BOUNDS).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        self.families().bounds(names::metric(histogram), bounds);
    }

    fn families(&self) -> MutexGuard<'_, Families> {
        // Nothing panics while it is held.
        self.inner.families.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>, description: SharedString) {
        self.families().describe(names::metric(name.as_str()), unit, description);
    }

    /// Writes all of it, but for names that are on the page already: those of whoever starts with this prefix. Cancel-safe.
    pub(crate) async fn write(&self, prefix: &str, page: &mut Page) {
        let (seen, left_out) = self.families().seen(prefix);
        for name in left_out {
            tracing::warn!(metric = %name, "is not on the metrics page: names that begin like this are swit's own; rename it");
        }
        for seen in seen {
            seen.family.write(&seen.name, &seen.help, page).await;
        }
    }

    /// The value of this key, made if it is new; `None`: it may not be, which is said once.
    fn value(&self, key: &Key, kind: Kind) -> Option<Arc<Value>> {
        let known = match kind {
            Kind::Counter => &self.inner.counters,
            Kind::Gauge => &self.inner.gauges,
            Kind::Histogram => &self.inner.histograms,
        };
        let find = || known.read().unwrap_or_else(PoisonError::into_inner).find(key);
        if let Some(decided) = find() {
            return decided;
        }
        let said = {
            let mut families = self.families();
            // Somebody else may have come first.
            if let Some(decided) = find() {
                return decided;
            }
            let decided = families.value(key, kind);
            let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
            match decided {
                Ok(value) => {
                    known.keep(key, value.clone());
                    return Some(value);
                }
                Err(Refusal { refused, said }) => {
                    known.close(key.name(), refused);
                    said
                }
            }
        };
        // Not under the lock: a program may count what is logged.
        if let Some((name, why)) = said {
            tracing::warn!(metric = %name, %why, "a metric is not kept (said once)");
        }
        None
    }
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
        self.value(key, Kind::Counter).map_or_else(Counter::noop, Counter::from_arc)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.value(key, Kind::Gauge).map_or_else(Gauge::noop, Gauge::from_arc)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.value(key, Kind::Histogram).map_or_else(Histogram::noop, Histogram::from_arc)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("names", &self.families().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ::metrics::{counter, describe_counter, gauge, histogram, with_local_recorder};

    use super::{
        families::{MOST_LINES, MOST_NAMES, MOST_OF_A_NAME},
        *,
    };

    fn page(recorder: &Recorder) -> String {
        let mut page = Page::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(recorder.write("swit_messaging_", &mut page));
        page.finish()
    }

    fn text(record: impl FnOnce()) -> (Recorder, String) {
        let recorder = Recorder::default();
        with_local_recorder(&recorder, record);
        let text = page(&recorder);
        (recorder, text)
    }

    /// Keys that have a value, and names that take no new one, of all types together.
    fn remembered(recorder: &Recorder) -> (usize, usize) {
        let inner = &recorder.inner;
        let all = [&inner.counters, &inner.gauges, &inner.histograms].map(|known| known.read().unwrap().len());
        all.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
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
    fn values_of_labels_are_bounded() {
        let (_, text) = text(|| {
            for end in ["a", "b"] {
                counter!("errors", "text" => format!("{}{end}", "ä".repeat(1_000))).increment(1);
            }
        });
        assert!(text.ends_with(&format!("errors{{text=\"{}\"}} 2\n", "ä".repeat(512))), "{text}");
    }

    #[test]
    fn series_are_bounded() {
        let (recorder, text) = text(|| {
            for n in 0..3 * MOST_OF_A_NAME {
                counter!("orders", "id" => n.to_string()).increment(1);
            }
        });
        assert_eq!(text.lines().count(), MOST_OF_A_NAME + 2);
        assert_eq!(remembered(&recorder), (MOST_OF_A_NAME, 1));
        // Those that there are go on.
        with_local_recorder(&recorder, || counter!("orders", "id" => "7").increment(1));
        assert!(page(&recorder).contains("orders{id=\"7\"} 2\n"));
    }

    #[test]
    fn all_names_together_are_bounded() {
        let (recorder, text) = text(|| {
            for (name, id) in (0..100).flat_map(|name| (0..100).map(move |id| (name, id))) {
                histogram!(format!("took_{name:02}_seconds"), "id" => id.to_string()).record(1.0);
            }
        });
        let lines = text.lines().filter(|line| !line.starts_with('#')).count();
        // A histogram of durations has 15 bounds.
        assert_eq!(lines, MOST_LINES / 18 * 18);
        with_local_recorder(&recorder, || {
            histogram!("took_00_seconds", "id" => "7").record(1.0);
            for n in 0..2 * MOST_LINES {
                counter!(format!("another_{n}")).increment(1);
            }
        });
        let after = page(&recorder);
        assert!(after.contains("took_00_seconds_count{id=\"7\"} 2\n"));
        let (keys, closed) = remembered(&recorder);
        assert!(
            keys <= MOST_LINES && closed <= MOST_NAMES && recorder.families().len() <= MOST_NAMES,
            "{keys}, {closed}"
        );
        assert!(after.lines().count() <= MOST_LINES + 2 * MOST_NAMES);
    }

    #[test]
    fn keys_that_are_one_series_are_bounded() {
        let (recorder, text) = text(|| {
            for n in 0..20_000_u32 {
                // The second one of a name is left out.
                counter!("orders", "id" => "1", "id" => n.to_string()).increment(1);
                counter!(format!("näme{}", char::from_u32(0x4e00 + n).unwrap())).increment(1);
            }
        });
        let (keys, closed) = remembered(&recorder);
        assert!(keys <= 8 * MOST_OF_A_NAME && closed <= MOST_NAMES, "{keys}, {closed}");
        assert!(text.contains("orders{id=\"1\"} 4000\n") && text.contains("n_me_ 4000\n"), "{text}");
    }

    #[test]
    fn nothing_is_logged_under_the_lock() {
        struct Counted;
        impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Counted {
            fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
                counter!("events").increment(1);
            }
        }
        use tracing_subscriber::layer::SubscriberExt as _;
        let subscriber = tracing_subscriber::registry().with(Counted);
        let (_, text) = tracing::subscriber::with_default(subscriber, || {
            text(|| {
                counter!("twice").increment(1);
                // Refused, which is logged, which is counted.
                gauge!("twice").set(1.0);
                counter!("swit_messaging_own").increment(1);
            })
        });
        assert!(text.contains("events 1\n"), "{text}");
    }

    #[test]
    fn whoever_reads_the_page_keeps_nobody_from_recording() {
        use std::{
            pin::pin,
            task::{Context, Waker},
        };
        let recorder = Recorder::default();
        let record = |ids: std::ops::Range<usize>| {
            with_local_recorder(&recorder, || {
                for id in ids {
                    histogram!("took_seconds", "id" => id.to_string()).record(1.0);
                }
            });
        };
        record(0..MOST_OF_A_NAME - 1);
        let mut page = Page::new();
        {
            let mut writing = pin!(recorder.write("swit_messaging_", &mut page));
            let mut polls = 1;
            let mut task = Context::from_waker(Waker::noop());
            while writing.as_mut().poll(&mut task).is_pending() {
                if polls == 1 {
                    record(MOST_OF_A_NAME - 1..MOST_OF_A_NAME);
                }
                polls += 1;
            }
            assert_eq!(polls, 18, "it lets others run");
        }
        assert_eq!(page.finish().matches("_count{").count(), MOST_OF_A_NAME - 1, "as it was when it was asked for");
        assert_eq!(self::page(&recorder).matches("_count{").count(), MOST_OF_A_NAME);
    }

    #[test]
    fn what_is_refused_is_refused_without_the_lock_from_then_on() {
        let (recorder, _) = text(|| {
            counter!("other").increment(1);
            gauge!("other").set(1.0);
            for n in 0..2 * MOST_OF_A_NAME {
                counter!("orders", "id" => n.to_string()).increment(1);
                gauge!(format!("gauge_{n}")).set(1.0);
            }
        });
        let _held = recorder.families();
        with_local_recorder(&recorder, || {
            counter!("orders", "id" => "another").increment(1);
            gauge!("other").set(1.0);
            gauge!("another").set(1.0);
        });
    }

    #[test]
    fn buckets_are_those_that_were_asked_for() {
        let recorder = Recorder::default();
        recorder.buckets("value", [10.0, 1.0, f64::NAN, 10.0]);
        with_local_recorder(&recorder, || histogram!("value").record(5.0));
        let text = page(&recorder);
        let expected =
            "value_bucket{le=\"1\"} 0\nvalue_bucket{le=\"10\"} 1\nvalue_bucket{le=\"+Inf\"} 1\nvalue_sum 5\n";
        assert!(text.contains(expected), "{text}");
    }
}
