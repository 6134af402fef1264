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

/// All series of one name.
pub(super) struct Family {
    kind: Kind,
    bounds: Arc<[f64]>,
    series: BTreeMap<BTreeMap<String, String>, Arc<Value>>,
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
        Self { kind, bounds: bounds.into(), series: BTreeMap::new() }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The series with these labels; `None`: it is new, and there are as many as may be.
    pub(super) fn value(&mut self, labels: BTreeMap<String, String>, most: usize) -> Option<Arc<Value>> {
        if self.series.len() >= most && !self.series.contains_key(&labels) {
            return None;
        }
        let made = || {
            let buckets = if self.kind == Kind::Histogram { self.bounds.len() + 1 } else { 0 };
            Arc::new(Value {
                number: AtomicU64::new(0),
                bounds: self.bounds.clone(),
                buckets: (0..buckets).map(|_| AtomicU64::new(0)).collect(),
            })
        };
        Some(self.series.entry(labels).or_insert_with(made).clone())
    }

    pub(super) fn write(&self, name: &str, help: &str, page: &mut Page) {
        page.family(name, self.kind, help);
        for (labels, value) in &self.series {
            let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (&**name, &**value)).collect();
            let number = value.number.load(Ordering::Relaxed);
            match self.kind {
                Kind::Counter => page.value(&labels, number),
                Kind::Gauge => page.float(&labels, f64::from_bits(number)),
                Kind::Histogram => {
                    let buckets: Vec<u64> = value.buckets.iter().map(|many| many.load(Ordering::Relaxed)).collect();
                    let summed = Summed::of(self.bounds.iter().copied(), &buckets, f64::from_bits(number));
                    page.histogram(&labels, &summed);
                }
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
