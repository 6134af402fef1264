//! The figures, as a table or as one JSON object.

use std::io::Write as _;

#[derive(Debug, Default)]
pub(crate) struct Report(Vec<(String, f64, String)>);

impl Report {
    pub(crate) fn add(&mut self, key: &str, value: f64, what: &str) {
        self.0.push((key.to_owned(), value, what.to_owned()));
    }

    pub(crate) fn print(&self, json: bool) {
        let mut out = std::io::stdout().lock();
        let written = if json {
            let object: serde_json::Map<String, serde_json::Value> =
                self.0.iter().map(|(key, value, _)| (key.clone(), (*value).into())).collect();
            writeln!(out, "{}", serde_json::Value::Object(object))
        } else {
            self.0.iter().try_for_each(|(key, value, what)| writeln!(out, "{key:<38} {value:>12.3}  {what}"))
        };
        written.expect("standard output takes the report");
    }
}
