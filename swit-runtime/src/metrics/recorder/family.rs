//! All series of one of a program's own metrics.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use ::metrics::{CounterFn, GaugeFn, HistogramFn, Unit};

use crate::metrics::{Kind, Page, SIZES, Summed};

/// Labels of a series by their names.
type Labels = BTreeMap<String, String>;

/// After so many lines a page lets others run.
const LINES_AT_ONCE: usize = 1_000;

/// All series of one name. Cloned to be written: what is made meanwhile is made in a copy.
#[derive(Clone)]
pub(super) struct Family {
    kind: Kind,
    bounds: Arc<[f64]>,
    series: Arc<BTreeMap<Arc<Labels>, Arc<Value>>>,
    /// Keys that are one of them.
    keys: usize,
}

/// One series. Of a counter its number, of a gauge the bits of its number, of a histogram its sum and its buckets.
pub(super) struct Value {
    number: AtomicU64,
    bounds: Arc<[f64]>,
    buckets: Box<[AtomicU64]>,
}

/// Upper bounds of a histogram that nobody gave any.
pub(super) fn bounds(name: &str, unit: Option<Unit>) -> Vec<f64> {
    if unit == Some(Unit::Seconds) || name.ends_with("_seconds") {
        return vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
    }
    if unit == Some(Unit::Bytes) || name.ends_with("_bytes") {
        return SIZES.iter().map(|bound| *bound as f64).collect();
    }
    (0..12).map(|exponent| 4_f64.powi(exponent)).collect()
}

impl Family {
    pub(super) fn new(kind: Kind, bounds: Vec<f64>) -> Self {
        Self { kind, bounds: bounds.into(), series: Arc::default(), keys: 0 }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// How many series there are.
    pub(super) fn len(&self) -> usize {
        self.series.len()
    }

    /// How many keys have one of them.
    pub(super) fn keys(&self) -> usize {
        self.keys
    }

    /// How many lines a series has on a page.
    pub(super) fn lines(&self) -> usize {
        if self.kind == Kind::Histogram { self.bounds.len() + 3 } else { 1 }
    }

    pub(super) fn has(&self, labels: &Labels) -> bool {
        self.series.contains_key(labels)
    }

    /// The series with these labels, for one more key.
    pub(super) fn value(&mut self, labels: Labels) -> Arc<Value> {
        self.keys += 1;
        if let Some(value) = self.series.get(&labels) {
            return value.clone();
        }
        let buckets = if self.kind == Kind::Histogram { self.bounds.len() + 1 } else { 0 };
        let value = Arc::new(Value {
            number: AtomicU64::new(0),
            bounds: self.bounds.clone(),
            buckets: (0..buckets).map(|_| AtomicU64::new(0)).collect(),
        });
        Arc::make_mut(&mut self.series).insert(Arc::new(labels), value.clone());
        value
    }

    pub(super) async fn write(&self, name: &str, help: &str, page: &mut Page) {
        page.family(name, self.kind, help);
        let mut lines = 0;
        for (labels, value) in &*self.series {
            value.write(self.kind, labels, page);
            lines += self.lines();
            if lines >= LINES_AT_ONCE {
                lines = 0;
                tokio::task::yield_now().await;
            }
        }
    }
}

impl CounterFn for Value {
    fn increment(&self, by: u64) {
        self.number.fetch_add(by, Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.number.fetch_max(value, Ordering::Relaxed);
    }
}

impl Value {
    fn write(&self, kind: Kind, labels: &Labels, page: &mut Page) {
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (&**name, &**value)).collect();
        let number = self.number.load(Ordering::Relaxed);
        match kind {
            Kind::Counter => page.value(&labels, number),
            Kind::Gauge => page.float(&labels, f64::from_bits(number)),
            Kind::Histogram => {
                let buckets: Vec<u64> = self.buckets.iter().map(|many| many.load(Ordering::Relaxed)).collect();
                let summed = Summed::of(self.bounds.iter().copied(), &buckets, f64::from_bits(number));
                page.histogram(&labels, &summed);
            }
        }
    }

    fn change(&self, change: impl Fn(f64) -> f64) {
        let changed = |bits| Some(change(f64::from_bits(bits)).to_bits());
        // It always changes.
        let _ = self.number.fetch_update(Ordering::Relaxed, Ordering::Relaxed, changed);
    }
}

impl GaugeFn for Value {
    fn increment(&self, by: f64) {
        self.change(|number| number + by);
    }

    fn decrement(&self, by: f64) {
        self.change(|number| number - by);
    }

    fn set(&self, value: f64) {
        self.number.store(value.to_bits(), Ordering::Relaxed);
    }
}

impl HistogramFn for Value {
    fn record(&self, value: f64) {
        // What is no number has no place among numbers, and would spoil the sum.
        if value.is_nan() {
            return;
        }
        let at = self.bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Ordering::Relaxed);
            self.change(|sum| sum + value);
        }
    }
}
