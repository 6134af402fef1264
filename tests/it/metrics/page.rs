//! Reads a metrics page, and is strict about it.

use std::collections::{BTreeMap, BTreeSet};

use swit::{Running, testing::TestApp};

/// A page that was read: values by series, written `name{label="value",…}`, and families with their types.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) values: BTreeMap<String, f64>,
    pub(crate) types: BTreeMap<String, String>,
}

impl Page {
    pub(crate) async fn of(app: &TestApp) -> Self {
        Self::read(&text(app.running()).await)
    }

    /// Reads a page.
    ///
    /// # Panics
    /// A series stands twice, outside of its family, or has no type or help.
    pub(crate) fn read(text: &str) -> Self {
        let mut page = Self::default();
        let (mut family, mut helped) = (String::new(), BTreeSet::new());
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, _) = help.split_once(' ').expect("a help text");
                assert!(helped.insert(name.to_owned()), "{name} is there twice");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a type");
                assert!(helped.contains(name), "{name} has no help");
                name.clone_into(&mut family);
                page.types.insert(family.clone(), kind.to_owned());
            } else {
                let (series, value) = line.rsplit_once(' ').expect("a value");
                let name = series.split('{').next().unwrap();
                let suffixes: &[&str] =
                    if page.types[&family] == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                assert!(suffixes.iter().any(|suffix| *name == format!("{family}{suffix}")), "{line} in {family}");
                let value = value.parse().expect("a number");
                assert!(page.values.insert(series.to_owned(), value).is_none(), "{series} is there twice");
            }
        }
        page
    }

    /// The value of a series of swit's own.
    #[track_caller]
    pub(crate) fn value(&self, series: &str) -> f64 {
        let series = format!("swit_messaging_{series}");
        *self.values.get(&series).unwrap_or_else(|| panic!("no {series} in {:#?}", self.values.keys()))
    }

    /// What is not zero of a family, as `labels value`.
    pub(crate) fn of_family(&self, family: &str) -> Vec<String> {
        let name = format!("swit_messaging_{family}");
        let values = self.values.iter().filter(|(series, value)| {
            **value != 0.0 && series.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with('{'))
        });
        values.map(|(series, value)| format!("{} {value}", &series[name.len()..])).collect()
    }
}

pub(crate) async fn text(running: &Running) -> String {
    running.metrics().expect("they are on").page().await
}
