//! The series of consuming.

use std::collections::BTreeMap;

use super::families::{
    AGE, CONSUME_DURATION, CONSUME_ERRORS, CONSUMED, COPIES, DEAD_LETTERS, DISCARDED, DUPLICATES, FILTERED, Family,
    HANDLERS_FAILED, IN_FLIGHT, REDELIVERIES, RETRIES, SIZE,
};
use crate::{
    app::dynamic::{Retired, Row},
    classify::Class,
    metrics::{AGES, Page, SIZES, Summed},
    pipeline::{Copied, Counts},
};

/// Bounds of durations: 10 ms · 2ⁿ, for these n: from some ten microseconds to ten seconds.
const EXPONENTS: std::ops::RangeInclusive<i32> = -10..=10;

/// A label, and what was counted under it by one subscriber, or by those that are gone.
type Shared<'a, L> = (L, &'a Counts);

pub(super) fn write(prefix: &str, rows: &[Row], retired: &Retired, page: &mut Page) {
    let counted: Vec<(&Row, Counts)> = rows.iter().map(|row| (row, row.view.counts())).collect();
    let of_topic = counted.iter().map(|(row, counts)| (&*row.topic, counts));
    let shared: Vec<Shared<'_, &str>> = of_topic.chain(retired.by_topic()).collect();
    let of_group = counted.iter().map(|(row, counts)| ((&*row.topic, row.group()), counts));
    let by_group: Vec<Shared<'_, (&str, &str)>> = of_group.chain(retired.by_group()).collect();
    CONSUMED.begin(prefix, page);
    for (row, counts) in &counted {
        let status = [("success", counts.succeeded), ("error", counts.failed), ("discarded", counts.waived)];
        for (status, many) in status {
            let [topic, group, subscriber] = row.labels();
            page.value(&[topic, group, subscriber, ("status", status)], many);
        }
    }
    CONSUME_DURATION.begin(prefix, page);
    for (row, counts) in &counted {
        let durations = &counts.durations;
        let at_most = durations.at_most(EXPONENTS);
        let summed = Summed { at_most, count: durations.count(), sum: durations.sum().as_secs_f64() };
        page.histogram(&row.labels(), &summed);
    }
    errors(prefix, &by_group, page);
    each(&RETRIES, prefix, &counted, page, |counts| counts.retries);
    each(&REDELIVERIES, prefix, &counted, page, |counts| counts.redelivered);
    dead_letters(prefix, &shared, page);
    copies(prefix, rows, page);
    each(&DISCARDED, prefix, &counted, page, |counts| counts.discarded);
    each(&FILTERED, prefix, &counted, page, |counts| counts.filtered);
    each(&HANDLERS_FAILED, prefix, &counted, page, |counts| counts.handlers_failed);
    each(&DUPLICATES, prefix, &counted, page, |counts| counts.duplicates);
    by_topic(&SIZE, prefix, &shared, page, |counts| {
        let bounds = SIZES.iter().map(|bytes| *bytes as f64);
        Summed::of(bounds, &counts.sizes.buckets, counts.sizes.sum as f64)
    });
    by_topic(&AGE, prefix, &shared, page, |counts| {
        let bounds = AGES.iter().map(|millis| *millis as f64 / 1e3);
        Summed::of(bounds, &counts.ages.buckets, counts.ages.sum as f64 / 1e3)
    });
    IN_FLIGHT.begin(prefix, page);
    for (row, counts) in &counted {
        page.value(&[("subscriber", row.subscriber())], counts.in_flight);
    }
}

fn each(family: &Family, prefix: &str, counted: &[(&Row, Counts)], page: &mut Page, value: impl Fn(&Counts) -> u64) {
    family.begin(prefix, page);
    for (row, counts) in counted {
        page.value(&row.labels(), value(counts));
    }
}

/// Several subscribers may share what these are labelled by: one series is their sum.
fn errors(prefix: &str, shared: &[Shared<'_, (&str, &str)>], page: &mut Page) {
    CONSUME_ERRORS.begin(prefix, page);
    let mut sums: BTreeMap<(&str, &str), [u64; Class::ALL.len()]> = BTreeMap::new();
    for (place, counts) in shared {
        let sum = sums.entry(*place).or_default();
        for (sum, class) in sum.iter_mut().zip(Class::ALL) {
            *sum += counts.failed_as(class);
        }
    }
    for ((topic, group), sum) in sums {
        for (class, many) in Class::ALL.iter().zip(sum) {
            page.value(&[("topic", topic), ("consumer_group", group), ("class", class.as_str())], many);
        }
    }
}

fn dead_letters(prefix: &str, shared: &[Shared<'_, &str>], page: &mut Page) {
    DEAD_LETTERS.begin(prefix, page);
    let mut sums: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (topic, counts) in shared {
        for (reason, many) in counts.dead_lettered_for() {
            *sums.entry((topic, reason)).or_default() += many;
        }
    }
    for ((topic, reason), many) in sums {
        page.value(&[("topic", topic), ("reason", reason)], many);
    }
}

fn copies(prefix: &str, rows: &[Row], page: &mut Page) {
    COPIES.begin(prefix, page);
    for row in rows {
        let [topic, group, subscriber] = row.labels();
        for what in Copied::ALL {
            for (status, many) in ["success", "error"].into_iter().zip(row.view.plan().copies.counts(what)) {
                page.value(&[topic, group, subscriber, ("kind", what.as_str()), ("status", status)], many);
            }
        }
    }
}

fn by_topic(
    family: &Family,
    prefix: &str,
    shared: &[Shared<'_, &str>],
    page: &mut Page,
    histogram: impl Fn(&Counts) -> Summed,
) {
    family.begin(prefix, page);
    let mut sums: BTreeMap<&str, Summed> = BTreeMap::new();
    for (topic, counts) in shared {
        sums.entry(topic).or_default().add(&histogram(counts));
    }
    for (topic, summed) in sums {
        page.histogram(&[("topic", topic)], &summed);
    }
}
