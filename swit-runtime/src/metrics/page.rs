//! The metrics page: Prometheus' text format, version 0.0.4.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>. Names come from this crate, or were made valid by
//! `recorder`; label values and help texts are escaped here.

use std::fmt::{Display, Write as _};

/// The type of a family of series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counted by size.
    Histogram,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A histogram, added up.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Summed {
    /// Upper bounds, and how many values are at most that.
    pub(crate) at_most: Vec<(f64, u64)>,
    pub(crate) count: u64,
    pub(crate) sum: f64,
}

impl Summed {
    /// From numbers by bucket, of which there is one more than bounds.
    pub(crate) fn of(bounds: impl IntoIterator<Item = f64>, buckets: &[u64], sum: f64) -> Self {
        let mut below = 0;
        let at_most = bounds.into_iter().zip(buckets).map(|(bound, many)| {
            below += many;
            (bound, below)
        });
        Self { at_most: at_most.collect(), count: buckets.iter().sum(), sum }
    }

    /// Adds another one with the same bounds.
    pub(crate) fn add(&mut self, other: &Self) {
        if self.at_most.is_empty() {
            self.at_most.clone_from(&other.at_most);
        } else {
            for (own, other) in self.at_most.iter_mut().zip(&other.at_most) {
                own.1 += other.1;
            }
        }
        self.count += other.count;
        self.sum += other.sum;
    }
}

/// Labels of one series.
pub(crate) type Labels<'a> = &'a [(&'a str, &'a str)];

/// A page that is being written, family by family.
#[derive(Debug)]
pub(crate) struct Page {
    text: String,
    /// The name of the family that is being written.
    family: String,
}

impl Page {
    pub(crate) fn new() -> Self {
        Self { text: String::with_capacity(16 * 1024), family: String::new() }
    }

    /// Begins a family; what follows belongs to it.
    pub(crate) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        self.family.clear();
        self.family.push_str(name);
        self.text.push_str("# HELP ");
        self.text.push_str(name);
        self.text.push(' ');
        for c in help.chars() {
            match c {
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                c => self.text.push(c),
            }
        }
        // Writing to a `String` can't fail, here and below.
        let _ = writeln!(self.text, "\n# TYPE {name} {}", kind.as_str());
    }

    /// One value of a counter or a gauge.
    pub(crate) fn value(&mut self, labels: Labels<'_>, value: impl Display) {
        self.line("", labels, None, value);
    }

    /// One value of a gauge, which may be no number.
    pub(crate) fn float(&mut self, labels: Labels<'_>, value: f64) {
        match value {
            f64::INFINITY => self.value(labels, "+Inf"),
            f64::NEG_INFINITY => self.value(labels, "-Inf"),
            value => self.value(labels, value),
        }
    }

    /// One histogram.
    pub(crate) fn histogram(&mut self, labels: Labels<'_>, summed: &Summed) {
        for (bound, below) in &summed.at_most {
            self.line("_bucket", labels, Some(*bound), below);
        }
        self.line("_bucket", labels, Some(f64::INFINITY), summed.count);
        self.line("_sum", labels, None, summed.sum);
        self.line("_count", labels, None, summed.count);
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<f64>, value: impl Display) {
        let Self { text, family } = self;
        text.push_str(family);
        text.push_str(suffix);
        let mut before = '{';
        for (name, value) in labels {
            text.push(before);
            before = ',';
            text.push_str(name);
            text.push_str("=\"");
            for c in value.chars() {
                match c {
                    '\\' => text.push_str("\\\\"),
                    '"' => text.push_str("\\\""),
                    '\n' => text.push_str("\\n"),
                    c => text.push(c),
                }
            }
            text.push('"');
        }
        if let Some(bound) = bound {
            text.push(before);
            before = ',';
            let _ = match bound {
                f64::INFINITY => write!(text, "le=\"+Inf\""),
                bound => write!(text, "le=\"{bound}\""),
            };
        }
        if before == ',' {
            text.push('}');
        }
        let _ = writeln!(text, " {value}");
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_a_label_stays_in_it() {
        let mut page = Page::new();
        page.family("a_total", Kind::Counter, "one\ntwo \\ \"three\"");
        page.value(&[("x", "a\"b\\c\nd"), ("y", "")], 3);
        page.value(&[], 4);
        page.family("b", Kind::Gauge, "b");
        page.float(&[], f64::NAN);
        page.float(&[], f64::INFINITY);
        let expected = "# HELP a_total one\\ntwo \\\\ \"three\"\n# TYPE a_total counter\n\
                        a_total{x=\"a\\\"b\\\\c\\nd\",y=\"\"} 3\na_total 4\n\
                        # HELP b b\n# TYPE b gauge\nb NaN\nb +Inf\n";
        assert_eq!(page.finish(), expected);
    }

    #[test]
    fn a_histogram_is_cumulative() {
        let mut summed = Summed::of([0.5, 1.0], &[1, 2, 4], 9.5);
        summed.add(&Summed::of([0.5, 1.0], &[1, 0, 0], 0.5));
        let mut page = Page::new();
        page.family("h", Kind::Histogram, "h");
        page.histogram(&[("l", "v")], &summed);
        let expected = "# HELP h h\n# TYPE h histogram\nh_bucket{l=\"v\",le=\"0.5\"} 2\nh_bucket{l=\"v\",le=\"1\"} 4\n\
                        h_bucket{l=\"v\",le=\"+Inf\"} 8\nh_sum{l=\"v\"} 10\nh_count{l=\"v\"} 8\n";
        assert_eq!(page.finish(), expected);
    }
}
