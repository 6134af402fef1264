//! A section of the application, merged over the layers and read as the type of its `Config<T>`.

use std::{collections::BTreeMap, fmt};

use super::{
    Origin,
    assignment::{Assignment, Written},
};
use crate::{error::StartupFault, extract::ConfigRequirement, scope::Shared, text::Text};

/// Most values of the environment that are tried both as what they look like and as text.
const AMBIGUOUS: usize = 8;

/// A section of the application: its keys with the layers that set them. `Debug` shows no value.
#[derive(Clone, PartialEq)]
pub struct Section {
    name: Text,
    /// By path below the section.
    leaves: BTreeMap<Vec<String>, Leaf>,
}

#[derive(Clone, PartialEq)]
struct Leaf {
    /// What the text of a variable looks like, or the value that a file or the builder gave.
    value: toml::Value,
    /// The text of a variable that could also be meant as text.
    text: Option<String>,
    /// What must not be shown: the content of a file that a variable names, and what looks like a password.
    secret: Option<String>,
    origin: Origin,
}

impl Section {
    /// A section that no layer speaks of.
    pub fn new(name: impl Into<Text>) -> Self {
        Self { name: name.into(), leaves: BTreeMap::new() }
    }

    /// Sets a key; what an earlier layer put at it, below it or in its way is gone.
    pub(super) fn put(&mut self, path: &[String], assignment: &Assignment) {
        let below = |other: &[String]| other.starts_with(path) || path.starts_with(other);
        let before = self.leaves.get(path).map(|leaf| leaf.value.clone());
        // An empty table adds nothing to a table that an earlier layer filled.
        let empty = matches!(&assignment.value, toml::Value::Table(table) if table.is_empty());
        if empty && self.leaves.keys().any(|other| other.len() > path.len() && other.starts_with(path)) {
            return;
        }
        self.leaves.retain(|other, _| !below(other));
        let text = assignment.value.as_str().filter(|_| assignment.written != Written::Typed);
        let (value, text) = match (text, before) {
            (None, _) => (assignment.value.clone(), None),
            // What an earlier layer wrote with its type says which type is meant.
            (Some(text), Some(toml::Value::String(_))) => (text.into(), None),
            (Some(text), _) => {
                let value = guess(text);
                let ambiguous = (!value.is_str()).then(|| text.to_owned());
                (value, ambiguous)
            }
        };
        let shown = assignment.value.as_str().unwrap_or_default().trim();
        let secret = (assignment.written == Written::Secret || private(path, shown)).then(|| shown.to_owned());
        self.leaves.insert(path.to_vec(), Leaf { value, text, secret, origin: assignment.origin.clone() });
    }

    /// The section as a table. A variable's text is what it looks like: a truth value, a number, a list, else text.
    pub fn table(&self) -> toml::Table {
        self.table_with(&[])
    }

    /// The layer that set a key, by its path below the section (`db.url`).
    pub fn origin(&self, path: &str) -> Option<&Origin> {
        self.leaves.iter().find(|(key, _)| key.join(".") == path).map(|(_, leaf)| &leaf.origin)
    }

    /// Reads the section as the type that `requirement` asks for.
    ///
    /// The text of an environment variable has no type, so that `5` may be a number or a password: it is read as what
    /// it looks like first, then as text.
    ///
    /// # Errors
    /// What the type refuses, each with the layer that set it; contents of files that variables name,
    /// and what looks like a password, are not shown.
    pub fn load(&self, requirement: &ConfigRequirement) -> Result<Shared, Vec<StartupFault>> {
        let first = match (requirement.load)(self.table()) {
            Ok(value) => return Ok(value),
            Err(texts) => texts,
        };
        let ambiguous: Vec<_> =
            self.leaves.iter().filter(|(_, leaf)| leaf.text.is_some()).map(|(key, _)| key).collect();
        let tried = ambiguous.len().min(AMBIGUOUS);
        for choice in 1_usize..1 << tried {
            // With more of them than can be tried in every combination, the rest follows the last choice: all text.
            let all = choice + 1 == 1 << tried;
            let chosen =
                ambiguous.iter().enumerate().filter(|(n, _)| if *n < tried { choice >> n & 1 == 1 } else { all });
            let as_text: Vec<_> = chosen.map(|(_, key)| *key).collect();
            if let Ok(value) = (requirement.load)(self.table_with(&as_text)) {
                return Ok(value);
            }
        }
        Err(first.iter().map(|text| self.fault(requirement, text)).collect())
    }

    fn table_with(&self, as_text: &[&Vec<String>]) -> toml::Table {
        let mut root = toml::Table::new();
        for (path, leaf) in &self.leaves {
            let Some((last, parents)) = path.split_last() else { continue };
            let mut table = Some(&mut root);
            for parent in parents {
                table = table.and_then(|table| {
                    table.entry(parent.clone()).or_insert_with(|| toml::Table::new().into()).as_table_mut()
                });
            }
            let text = leaf.text.as_ref().filter(|_| as_text.contains(&path));
            let value = text.map_or_else(|| leaf.value.clone(), |text| text.as_str().into());
            table.and_then(|table| table.insert(last.clone(), value));
        }
        root
    }

    fn fault(&self, requirement: &ConfigRequirement, text: &str) -> StartupFault {
        let mut text = text.replace('\n', " ").trim().to_owned();
        // Both end with the key in backticks: «unknown key `a.b`» and «invalid type …, expected … in `a.b`».
        let key = text.strip_suffix('`').and_then(|text| text.rsplit_once('`')).map(|(_, key)| key);
        let origin = key.and_then(|key| {
            let under = |path: &[String]| path.join(".") == key || path.join(".").starts_with(&format!("{key}."));
            self.leaves.iter().find(|(path, _)| under(path)).map(|(_, leaf)| leaf.origin.to_string())
        });
        let layers = || {
            let mut layers: Vec<String> = self.leaves.values().map(|leaf| leaf.origin.to_string()).collect();
            layers.dedup();
            if layers.is_empty() { format!("[{}]", self.name) } else { layers.join(", ") }
        };
        let location = origin.unwrap_or_else(layers);
        for secret in self.leaves.values().filter_map(|leaf| leaf.secret.as_ref()).filter(|secret| !secret.is_empty()) {
            text = text.replace(secret.as_str(), "***").replace(&secret.escape_debug().to_string(), "***");
        }
        let help = format!("the section is read as `{}`", requirement.type_name);
        StartupFault::new(location, format!("`[{}]`: {text}", self.name), help)
    }
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.leaves.iter().map(|(path, leaf)| (path.join("."), &leaf.origin));
        f.debug_map().entries(keys).finish()
    }
}

/// Whether a value is better not shown: its key speaks of a secret, or it is a url with credentials.
fn private(path: &[String], text: &str) -> bool {
    let key = path.last().map_or_else(String::new, |key| key.to_ascii_lowercase());
    let credentials = text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    credentials || ["pass", "secret", "token", "credential", "private"].iter().any(|word| key.contains(word))
}

/// What a text looks like: a truth value, a number, a list or an inline table as TOML writes them, else text.
fn guess(text: &str) -> toml::Value {
    let trimmed = text.trim();
    let looks_typed = trimmed.starts_with(['[', '{', '+', '-']) || trimmed.starts_with(|c: char| c.is_ascii_digit());
    match trimmed {
        "true" => true.into(),
        "false" => false.into(),
        _ if looks_typed => match trimmed.parse() {
            // `2024-01-01` is more often text than a date.
            Ok(toml::Value::Datetime(_)) | Err(_) => text.into(),
            Ok(value) => value,
        },
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::{any::TypeId, sync::Arc};

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Orders {
        url: String,
        #[serde(default)]
        pool: u32,
        #[serde(default)]
        tags: Vec<String>,
    }

    fn requirement() -> ConfigRequirement {
        ConfigRequirement {
            section: "orders",
            id: TypeId::of::<Orders>(),
            type_name: "Orders",
            load: |table| match table.try_into::<Orders>() {
                Ok(value) => Ok(Arc::new(value)),
                Err(error) => Err(vec![error.to_string()]),
            },
        }
    }

    fn section(leaves: &[(&str, toml::Value, Written)]) -> Section {
        let mut section = Section::new("orders");
        for (key, value, written) in leaves {
            let path: Vec<String> = key.split('.').map(Into::into).collect();
            let origin = match written {
                Written::Typed => Origin::File { name: "swit.toml".into(), line: 3 },
                _ => Origin::Environment { variable: format!("SWIT_ORDERS__{}", key.to_uppercase()).into() },
            };
            let assignment = Assignment { path: path.clone(), value: value.clone(), written: *written, origin };
            section.put(&path, &assignment);
        }
        section
    }

    fn loaded(section: &Section) -> Orders {
        let shared = section.load(&requirement()).expect("it loads");
        Arc::into_inner(shared.downcast::<Orders>().expect("orders")).expect("alone")
    }

    #[test]
    fn a_variable_may_be_a_number_or_text() {
        let orders = loaded(&section(&[
            ("url", "12345".into(), Written::Plain),
            ("pool", "7".into(), Written::Plain),
            ("tags", "[\"a\", \"b\"]".into(), Written::Plain),
        ]));
        assert_eq!(orders, Orders { url: "12345".into(), pool: 7, tags: vec!["a".into(), "b".into()] });
    }

    #[test]
    fn later_layers_win_key_by_key() {
        let orders = loaded(&section(&[
            ("url", "sqlite:a".into(), Written::Typed),
            ("pool", 5.into(), Written::Typed),
            ("url", "true".into(), Written::Plain),
        ]));
        assert_eq!((orders.url.as_str(), orders.pool), ("true", 5));
        let replaced = section(&[
            ("a.b", 1.into(), Written::Typed),
            ("a", "2".into(), Written::Plain),
            ("c", 1.into(), Written::Typed),
            ("c.d", "x".into(), Written::Plain),
            ("c", toml::Table::new().into(), Written::Typed),
        ]);
        assert_eq!(replaced.table(), "a = 2\nc.d = 'x'".parse().expect("a table"));
    }

    #[test]
    fn faults_name_the_layer_and_show_no_secret() {
        let faults = section(&[("url", "x".into(), Written::Typed), ("pool", "hunter2\n".into(), Written::Secret)])
            .load(&requirement())
            .expect_err("not a number");
        assert_eq!(faults[0].location, "environment variable SWIT_ORDERS__POOL");
        assert!(faults[0].message.contains("***") && !faults[0].message.contains("hunter2"), "{}", faults[0].message);
        for (key, value) in [("pool", "postgres://app:hunter2@db"), ("password", "hunter2")] {
            let faults = section(&[("url", "x".into(), Written::Typed), (key, value.into(), Written::Typed)])
                .load(&requirement())
                .expect_err("neither is a key of that type");
            assert!(!faults[0].message.contains("hunter2"), "{}", faults[0].message);
        }
        assert!(!format!("{:?}", section(&[("url", "hunter2".into(), Written::Plain)])).contains("hunter2"));
        let missing = Section::new("orders").load(&requirement()).expect_err("no url");
        assert_eq!(
            (missing[0].location.as_str(), missing[0].message.as_str()),
            ("[orders]", "`[orders]`: missing field `url`")
        );
    }

    #[test]
    fn what_looks_like_nothing_else_is_text() {
        for (text, kind) in [
            ("true", "boolean"),
            ("-5", "integer"),
            ("1.5", "float"),
            ("[1, 2]", "array"),
            ("{ a = 1 }", "table"),
            ("2024-01-01", "string"),
            ("10s", "string"),
            ("[", "string"),
            ("5\nb = 3", "string"),
            ("", "string"),
        ] {
            assert_eq!(guess(text).type_str(), kind, "{text}");
        }
    }
}
