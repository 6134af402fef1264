//! The environment layer: `SWIT_SECTION__NAME__KEY`, `SWIT_TRANSPORT`, and both with `_FILE`.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use super::{
    Known, Origin,
    assignment::{Assignment, Written},
    keys::TRANSPORT,
    known::{NAMED_SECTIONS, fold},
};
use crate::error::StartupFault;

const PREFIX: &str = "SWIT_";
const FORM: &str =
    "write SWIT_SECTION__KEY or SWIT_SECTION__NAME__KEY, such as SWIT_SUBSCRIBER__CONFIRM_ORDER__RETRIES";

/// Takes the environment apart.
pub(super) struct Environment<'a> {
    pub(super) known: &'a Known<'a>,
    /// What the other layers set: names and keys that a variable may mean.
    pub(super) others: &'a [Assignment],
}

impl Environment<'_> {
    /// The assignments of all variables that are meant for swit. Others, also those that an orchestrator made
    /// (`SWIT_SERVICE_HOST`), are passed over.
    pub(super) fn assignments(
        &self,
        variables: &[(OsString, OsString)],
        faults: &mut Vec<StartupFault>,
    ) -> Vec<Assignment> {
        let mut sorted: Vec<_> = variables.iter().collect();
        sorted.sort();
        let mut found: Vec<Assignment> = Vec::new();
        let mut spelled: BTreeMap<Vec<String>, Origin> = BTreeMap::new();
        for (name, value) in sorted {
            let lossy = name.to_string_lossy();
            let Some(rest) =
                lossy.get(..PREFIX.len()).filter(|p| p.eq_ignore_ascii_case(PREFIX)).map(|p| &lossy[p.len()..])
            else {
                continue;
            };
            let words = rest.to_ascii_lowercase();
            let short = matches!(words.as_str(), "transport" | "transport_file");
            if !short && !words.contains("__") {
                continue;
            }
            let origin = Origin::Environment { variable: lossy.as_ref().into() };
            let segments: Vec<&str> = if short { short_form(&words) } else { words.split("__").collect() };
            let assignment = match value.to_str() {
                _ if name.to_str().is_none() => Err(("the name is not UTF-8".into(), FORM.into())),
                None => Err(("the value is not UTF-8".into(), "write it in UTF-8".into())),
                Some(value) => self.assignment(&segments, value, &origin),
            };
            match assignment {
                Err((message, help)) => faults.push(StartupFault::new(&origin, message, help)),
                // The order of an environment is nobody's choice, so neither of two can win.
                Ok(assignment) if let Some(other) = spelled.get(&assignment.path) => {
                    let message = format!("`{}` is also set by the {other}", assignment.path.join("."));
                    faults.push(StartupFault::new(&origin, message, "remove one of them"));
                }
                Ok(assignment) => {
                    spelled.insert(assignment.path.clone(), origin);
                    found.push(assignment);
                }
            }
        }
        found
    }

    fn assignment(&self, segments: &[&str], value: &str, origin: &Origin) -> Result<Assignment, (String, String)> {
        if segments.len() < 2 || segments.iter().any(|segment| segment.is_empty()) {
            return Err(("the name has an empty part".into(), FORM.into()));
        }
        let literal = self.path(segments)?;
        let plain = || Assignment {
            path: literal.clone(),
            value: value.into(),
            written: Written::Plain,
            origin: origin.clone(),
        };
        let (last, parents) = segments.split_last().unwrap_or((&"", &[]));
        let Some(key) = last.strip_suffix("_file").filter(|key| !key.is_empty()) else { return Ok(plain()) };
        // A section of the application may have a key `cert_file`: where another layer sets it, it is meant. Swit's own
        // keys of that kind are always meant, and do not come from files themselves.
        let own = |word: &str| word.ends_with("_file") && TRANSPORT.iter().any(|known| known.name == word);
        let of_transport = literal.first().is_some_and(|section| section == "transport");
        if self.others.iter().any(|other| other.path == literal) || of_transport && (own(last) || own(key)) {
            return Ok(plain());
        }
        let mut segments = parents.to_vec();
        segments.push(key);
        let path = self.path(&segments)?;
        let content = std::fs::read_to_string(Path::new(value)).map_err(|error| {
            (
                format!("`{}`: the file `{}` can't be read: {error}", path.join("."), value.escape_debug()),
                "name a readable file of UTF-8 text".into(),
            )
        })?;
        let content = content.trim_end_matches(['\n', '\r']);
        Ok(Assignment { path, value: content.into(), written: Written::Secret, origin: origin.clone() })
    }

    /// What a variable's words address: words can't hold `-` and `.`, names can.
    fn path(&self, segments: &[&str]) -> Result<Vec<String>, (String, String)> {
        let (first, rest) = segments.split_first().unwrap_or((&"", &[]));
        let own = self.known.sections.iter().copied().find(|name| fold(name) == *first);
        let section = own.unwrap_or(first).to_owned();
        let mut path = vec![section.clone()];
        if !NAMED_SECTIONS.contains(&section.as_str()) {
            // Keys of the application are matched against what other layers set, word by word.
            for word in rest {
                let same = |other: &&Assignment| {
                    other.path.starts_with(&path)
                        && other.path.get(path.len()).is_some_and(|key| fold(key) == fold(word))
                };
                let key = self.others.iter().find(same).and_then(|other| other.path.get(path.len()));
                path.push(key.map_or_else(|| (*word).to_owned(), Clone::clone));
            }
            return Ok(path);
        }
        let names = self.names(&section);
        // The longest name wins: a name may itself hold two underscores.
        for split in (1..rest.len()).rev() {
            let spelled = fold(&rest[..split].join("__"));
            let mut same: Vec<_> = names.iter().filter(|name| fold(name) == spelled).collect();
            same.sort_unstable();
            same.dedup();
            match same.as_slice() {
                [] => {}
                [name] => {
                    path.push((**name).to_owned());
                    path.extend(rest[split..].iter().map(|word| (*word).to_owned()));
                    return Ok(path);
                }
                [one, other, ..] => {
                    let message = format!("`{spelled}` may be the {section} `{one}` or `{other}`");
                    return Err((message, "set it in swit.toml, where names are written whole".into()));
                }
            }
        }
        let (key, name) = rest.split_last().unwrap_or((&"", &[]));
        if !name.is_empty() {
            path.push(name.join("__").replace('_', "-"));
        }
        path.push((*key).to_owned());
        Ok(path)
    }

    fn names(&self, section: &str) -> Vec<&str> {
        match section {
            "subscriber" => self.known.subscribers.clone(),
            "publisher" => self.known.publishers.clone(),
            "middleware" => self.known.middleware.clone(),
            "saga" => self.known.sagas.clone(),
            _ => {
                let set = self.others.iter().filter(|other| other.path.first().is_some_and(|first| first == section));
                let set = set.filter_map(|other| other.path.get(1)).map(String::as_str);
                self.known.transports.iter().copied().chain(set).chain(["default"]).collect()
            }
        }
    }
}

fn short_form(words: &str) -> Vec<&str> {
    vec!["transport", "default", if words.ends_with("_file") { "url_file" } else { "url" }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let known = Known {
            subscribers: vec!["confirm-order", "a.b", "a-b", "double__score", "order"],
            sections: vec!["my-orders"],
            ..Known::default()
        };
        let others =
            [["my-orders", "maxItems"], ["my-orders", "cert_file"], ["transport", "eu.west"]].map(|path| Assignment {
                path: path.map(Into::into).to_vec(),
                value: 1.into(),
                written: Written::Typed,
                origin: Origin::Builder,
            });
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let mut faults = Vec::new();
        let found = Environment { known: &known, others: &others }.assignments(&variables, &mut faults);
        (
            found
                .iter()
                .map(|a| format!("{} = {:?}", a.path.join("/"), a.value.as_str().unwrap_or_default()))
                .collect(),
            faults.iter().map(|fault| format!("{}: {}", fault.location, fault.message)).collect(),
        )
    }

    #[test]
    fn variables_address_keys() {
        for (variable, path) in [
            ("SWIT_SUBSCRIBER__CONFIRM_ORDER__RETRIES", "subscriber/confirm-order/retries"),
            ("swit_subscriber__confirm_order__retries", "subscriber/confirm-order/retries"),
            ("SWIT_SUBSCRIBER__DOUBLE__SCORE__RETRIES", "subscriber/double__score/retries"),
            ("SWIT_SUBSCRIBER__NOBODY_HERE__RETRIES", "subscriber/nobody-here/retries"),
            ("SWIT_SUBSCRIBER__RETRIES", "subscriber/retries"),
            ("SWIT_TRANSPORT", "transport/default/url"),
            ("SWIT_TRANSPORT__EU_WEST__URL", "transport/eu.west/url"),
            ("SWIT_MY_ORDERS__MAXITEMS", "my-orders/maxItems"),
            ("SWIT_MY_ORDERS__CERT_FILE", "my-orders/cert_file"),
            ("SWIT_MY_ORDERS__DB__URL", "my-orders/db/url"),
            ("SWIT_TRANSPORT__EU_WEST__CA_FILE", "transport/eu.west/ca_file"),
            ("SWIT_TRANSPORT__EU_WEST__CA_FILE_FILE", "transport/eu.west/ca_file_file"),
            ("SWIT_BOGUS__KEY", "bogus/key"),
            ("SWIT_SERVICE__NAME", "service/name"),
        ] {
            assert_eq!(read(&[(variable, "x")]), (vec![format!("{path} = \"x\"")], vec![]), "{variable}");
        }
        assert_eq!(read(&[("SWIT_SERVICE_HOST", "x"), ("HOME", "/"), ("SWIT_CONFIG", "y")]), (vec![], vec![]));
    }

    #[test]
    fn what_is_not_clear_is_a_fault() {
        for (variables, fault) in [
            (&[("SWIT_SUBSCRIBER__A_B__RETRIES", "1")] as &[_], "may be the subscriber `a-b` or `a.b`"),
            (&[("SWIT___X", "1")], "the name has an empty part"),
            (&[("SWIT_SERVICE__", "1")], "the name has an empty part"),
            (
                &[("SWIT_TRANSPORT", "1"), ("SWIT_TRANSPORT__DEFAULT__URL", "2")],
                "is also set by the environment variable SWIT_TRANSPORT",
            ),
            (&[("SWIT_TRANSPORT_FILE", "/nowhere/at/all")], "the file `/nowhere/at/all` can't be read"),
        ] {
            let (_, faults) = read(variables);
            assert!(faults.len() == 1 && faults[0].contains(fault), "{variables:?}: {faults:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_text_is_a_fault() {
        use std::os::unix::ffi::OsStringExt as _;
        let broken = OsString::from_vec(vec![b'x', 0xff]);
        let broken_name = OsString::from_vec(b"SWIT_SERVICE__NAM\xff".to_vec());
        let variables =
            [("SWIT_SERVICE__NAME".into(), broken.clone()), (broken_name, "x".into()), ("LANG".into(), broken)];
        let mut faults = Vec::new();
        let found = Environment { known: &Known::default(), others: &[] }.assignments(&variables, &mut faults);
        assert!(found.is_empty());
        let messages: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(messages, ["the value is not UTF-8", "the name is not UTF-8"]);
    }
}
