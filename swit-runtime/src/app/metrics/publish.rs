//! The series of publishing.

use std::sync::atomic::{AtomicU64, Ordering};

use super::families::{PUBLISH_BATCH, PUBLISH_DURATION, PUBLISH_ERRORS, PUBLISHED, UNROUTED};
use crate::{
    error::PublishError,
    metrics::{Page, Summed},
    publisher::{BATCHES, FIRST, LAST, Published, Series},
};

pub(super) fn write(prefix: &str, published: Option<&Published>, page: &mut Page) {
    let topics: Vec<&Series> = published.into_iter().flat_map(Published::series).collect();
    PUBLISHED.begin(prefix, page);
    for of in &topics {
        let failed: u64 = read(&of.errors).iter().sum();
        for (status, many) in [("success", of.succeeded()), ("error", failed)] {
            page.value(&[("topic", &of.topic), ("status", status)], many);
        }
    }
    PUBLISH_DURATION.begin(prefix, page);
    for of in &topics {
        page.histogram(&[("topic", &of.topic)], &durations(of));
    }
    PUBLISH_BATCH.begin(prefix, page);
    for of in &topics {
        page.histogram(&[("topic", &of.topic)], &batches(of));
    }
    PUBLISH_ERRORS.begin(prefix, page);
    for of in &topics {
        for (kind, many) in PublishError::KINDS.iter().zip(read(&of.errors)) {
            page.value(&[("topic", &of.topic), ("kind", kind)], many);
        }
    }
    UNROUTED.begin(prefix, page);
    for of in &topics {
        page.value(&[("topic", &of.topic)], of.unrouted.load(Ordering::Relaxed));
    }
}

fn read(counters: &[AtomicU64]) -> Vec<u64> {
    counters.iter().map(|counter| counter.load(Ordering::Relaxed)).collect()
}

fn durations(of: &Series) -> Summed {
    let bounds = (FIRST..=LAST).map(|exponent| 0.001 * 2_f64.powi(exponent));
    let nanos = of.nanos.load(Ordering::Relaxed);
    Summed::of(bounds, &read(&of.durations), nanos as f64 / 1e9)
}

fn batches(of: &Series) -> Summed {
    let bounds = (0..BATCHES).map(|exponent| (1_u64 << exponent) as f64);
    Summed::of(bounds, &read(&of.batches), of.batched.load(Ordering::Relaxed) as f64)
}
