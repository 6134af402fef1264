//! The file layer: TOML taken apart into assignments, each with its line.

use serde::Deserialize as _;
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use super::{
    Origin,
    assignment::{Assignment, Written},
};
use crate::{error::StartupFault, text::Text};

/// Reads a file's text. Faults of syntax end it: what a broken file means can't be guessed.
pub(super) fn assignments(name: &str, text: &str, faults: &mut Vec<StartupFault>) -> Vec<Assignment> {
    let file = File { name: name.into(), text: text.strip_prefix('\u{feff}').unwrap_or(text) };
    let (root, mut errors) = DeTable::parse_recoverable(file.text);
    errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
    if !errors.is_empty() {
        // Only the message: the parser's own `Display` would show the line, which may hold a password.
        faults.extend(errors.iter().map(|error| {
            let line = file.line(error.span().map_or(0, |span| span.start));
            let message = format!("not TOML: {}", error.message().replace('\n', ", "));
            StartupFault::new(line, message, "see https://toml.io for how it is written")
        }));
        return Vec::new();
    }
    let mut found = Vec::new();
    file.walk(&mut Vec::new(), root.into_inner(), &mut found, faults);
    // By line, not by name: faults then come in the order in which a reader meets them.
    found.sort_by_key(|(position, _)| *position);
    found.into_iter().map(|(_, assignment)| assignment).collect()
}

struct File<'a> {
    name: Text,
    text: &'a str,
}

impl File<'_> {
    fn line(&self, position: usize) -> Origin {
        let before = self.text.get(..position).unwrap_or(self.text);
        Origin::File { name: self.name.clone(), line: 1 + before.matches('\n').count() }
    }

    fn walk(
        &self,
        path: &mut Vec<String>,
        table: DeTable<'_>,
        found: &mut Vec<(usize, Assignment)>,
        faults: &mut Vec<StartupFault>,
    ) {
        for (key, value) in table {
            let position = key.span().start;
            path.push(key.into_inner().into_owned());
            match value.get_ref() {
                DeValue::Table(table) if !table.is_empty() => {
                    if let DeValue::Table(table) = value.into_inner() {
                        self.walk(path, table, found, faults);
                    }
                }
                _ => match typed(value) {
                    Ok(value) => {
                        let origin = self.line(position);
                        found.push((
                            position,
                            Assignment { path: path.clone(), value, written: Written::Typed, origin },
                        ));
                    }
                    Err(message) => faults.push(StartupFault::new(
                        self.line(position),
                        format!("`{}`: {message}", path.join(".")),
                        "use a number that fits into 64 bits",
                    )),
                },
            }
            path.pop();
        }
    }
}

fn typed(value: Spanned<DeValue<'_>>) -> Result<toml::Value, String> {
    toml::Value::deserialize(ValueDeserializer::from(value)).map_err(|error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let mut faults = Vec::new();
        let found = assignments("swit.toml", text, &mut faults);
        (
            found.iter().map(|a| format!("{} {} = {}", a.origin, a.path.join("/"), a.value.type_str())).collect(),
            faults.iter().map(|fault| format!("{}: {}", fault.location, fault.message)).collect(),
        )
    }

    #[test]
    fn every_key_knows_its_line() {
        let text = "\u{feff}# first\n[subscriber.\"a.b\"]\nretries = 1\ntopics = [\n  \"x\",\n]\n\n[limits]\n[orders.db]\nurl = 'x'\ninline = { a = 1, b = {} }\n";
        let (found, faults) = read(text);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(
            found,
            [
                "swit.toml:3 subscriber/a.b/retries = integer",
                "swit.toml:4 subscriber/a.b/topics = array",
                "swit.toml:8 limits = table",
                "swit.toml:10 orders/db/url = string",
                "swit.toml:11 orders/db/inline/a = integer",
                "swit.toml:11 orders/db/inline/b = table",
            ]
        );
    }

    #[test]
    fn broken_files_say_where_and_show_no_value() {
        let (found, faults) = read("[transport.default]\nurl = amqp://u:hunter2@h\n[service\nname = \"x\"\n");
        assert!(found.is_empty());
        assert!(faults[0].starts_with("swit.toml:2: not TOML"), "{faults:?}");
        assert!(faults.iter().any(|fault| fault.starts_with("swit.toml:3")), "{faults:?}");
        assert!(!faults.concat().contains("hunter2"), "{faults:?}");
    }

    #[test]
    fn numbers_that_fit_nowhere_are_faults() {
        let (_, faults) = read("[limits]\npayload = 99999999999999999999999999999999999999999999\n");
        assert!(faults[0].starts_with("swit.toml:2: "), "{faults:?}");
    }
}
