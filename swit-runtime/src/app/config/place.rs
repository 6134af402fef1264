//! Puts assignments into the settings, and says of those that fit nowhere why.

use std::collections::BTreeSet;

use swit_grammar::name::check_name;

use super::{
    Known, Section, Set, Settings, SubscriberSettings,
    admin::ADMIN,
    assignment::{Assignment, Written},
    database::DATABASE,
    keys::{
        BATCH, BREAKER, Key, LIMITS, MIDDLEWARE, PUBLISHER, RATE_LIMIT, SAGA, SERVICE, SHUTDOWN, SUBSCRIBER, TRANSPORT,
    },
    known::SECTIONS,
    read::Given,
    telemetry::TELEMETRY,
};
use crate::{app::suggest::suggest, error::StartupFault, text::Text};

/// Puts assignments into the settings, layer after layer.
pub(super) struct Placer<'a> {
    pub(super) known: &'a Known<'a>,
    pub(super) settings: Settings,
    pub(super) faults: Vec<StartupFault>,
    /// Names that were refused, by layer: one fault a name, not one a key below it.
    pub(super) refused: BTreeSet<(u8, String)>,
    /// Transports of which a layer's url was refused: nobody knows what they are.
    pub(super) unclear: BTreeSet<Text>,
}

impl Placer<'_> {
    /// Puts one assignment.
    pub(super) fn place(&mut self, assignment: &Assignment) {
        let Some((section, rest)) = assignment.path.split_first() else { return };
        match section.as_str() {
            "service" => self.flat(assignment, rest, SERVICE, |settings| &mut settings.service),
            "shutdown" => self.flat(assignment, rest, SHUTDOWN, |settings| &mut settings.shutdown),
            "limits" => self.flat(assignment, rest, LIMITS, |settings| &mut settings.limits),
            "admin" => self.flat(assignment, rest, ADMIN, |settings| &mut settings.admin),
            "database" => self.flat(assignment, rest, DATABASE, |settings| &mut settings.database),
            "telemetry" => self.flat(assignment, rest, TELEMETRY, |settings| &mut settings.telemetry),
            "transport" => {
                if let Some((name, rest)) = self.named(assignment, rest, TRANSPORT, None) {
                    let entry = self.settings.transports.entry(name.clone()).or_default();
                    let fault = apply(assignment, rest, TRANSPORT, entry);
                    if fault.is_some() && rest == ["url"] {
                        self.unclear.insert(name);
                    }
                    self.faults.extend(fault);
                }
            }
            "subscriber" => {
                let known = Some(self.known.subscribers.as_slice());
                if let Some((name, rest)) = self.named(assignment, rest, SUBSCRIBER, known) {
                    let entry = self.settings.subscribers.entry(name).or_default();
                    self.faults.extend(subscriber(assignment, rest, entry));
                }
            }
            "publisher" => {
                let known = Some(self.known.publishers.as_slice());
                if let Some((name, rest)) = self.named(assignment, rest, PUBLISHER, known) {
                    let entry = self.settings.publishers.entry(name).or_default();
                    self.faults.extend(apply(assignment, rest, PUBLISHER, entry));
                }
            }
            "middleware" => {
                let known = Some(self.known.middleware.as_slice());
                if let Some((name, rest)) = self.named(assignment, rest, MIDDLEWARE, known) {
                    let entry = self.settings.middleware.entry(name).or_default();
                    let fault =
                        strangers(assignment, rest, self.known).or_else(|| apply(assignment, rest, MIDDLEWARE, entry));
                    self.faults.extend(fault);
                }
            }
            "saga" => {
                let known = Some(self.known.sagas.as_slice());
                if let Some((name, rest)) = self.named(assignment, rest, SAGA, known) {
                    let entry = self.settings.sagas.entry(name).or_default();
                    self.faults.extend(apply(assignment, rest, SAGA, entry));
                }
            }
            own if self.known.sections.contains(&own) => {
                let entry = self.settings.sections.entry(own.into()).or_insert_with(|| Section::new(own));
                match (rest, &assignment.value) {
                    // An empty table says that the section is there, which is all it can say.
                    ([], toml::Value::Table(_)) => {}
                    ([], _) => self.faults.push(StartupFault::new(
                        &assignment.origin,
                        format!("`{own}` is a section, not a key"),
                        format!("write its keys below `[{own}]`"),
                    )),
                    _ => entry.put(rest, assignment),
                }
            }
            _ => self.no_section(assignment, section),
        }
    }

    /// When all layers are placed: refuses what does not apply to what each transport turned out to be.
    pub(super) fn check_transports(&mut self) {
        for (name, transport) in &mut self.settings.transports {
            if !self.unclear.contains(name) {
                self.faults.extend(transport.check(name));
            }
        }
    }

    fn flat<S>(
        &mut self,
        assignment: &Assignment,
        rest: &[String],
        keys: &[Key<S>],
        of: impl Fn(&mut Settings) -> &mut S,
    ) {
        let fault = apply(assignment, rest, keys, of(&mut self.settings));
        self.faults.extend(fault);
    }

    /// Parts what is below a section into a name and the rest. Names may hold dots, quoted or not: the longest known
    /// name wins, else what stands before a known key.
    fn named<'r, S>(
        &mut self,
        assignment: &Assignment,
        rest: &'r [String],
        keys: &[Key<S>],
        known: Option<&[&str]>,
    ) -> Option<(Text, &'r [String])> {
        let section = &assignment.path[0];
        let is_table = matches!(assignment.value, toml::Value::Table(_));
        let is_key = |word: &str| keys.iter().any(|key| key.name == word);
        if rest.is_empty() && is_table {
            return None;
        }
        if rest.len() < 2 && !is_table {
            let message = format!("`{}` has no name between section and key", assignment.path.join("."));
            let shorthand = if section == "transport" { "; the usual one is `[transport.default]`" } else { "" };
            let help = format!("write `[{section}.NAME]` and the keys below it{shorthand}");
            self.faults.push(StartupFault::new(&assignment.origin, message, help));
            return None;
        }
        let longest =
            (1..=rest.len()).rev().find(|n| known.is_some_and(|k| k.contains(&rest[..*n].join(".").as_str())));
        let before_key = || (1..rest.len()).find(|n| is_key(&rest[*n]));
        let split = longest.or_else(before_key).unwrap_or(if is_table { rest.len() } else { rest.len() - 1 });
        let name = rest[..split].join(".");
        let fault = match known {
            Some(known) if !known.contains(&name.as_str()) => {
                let message = format!("there is no {section} `{}`", name.escape_debug());
                Some((message, suggest(&name, known.iter().copied(), "known: ")))
            }
            _ => check_name(&name).err().map(|fault| (format!("`{section}`: {}", fault.message), fault.help)),
        };
        match fault {
            None => Some((name.into(), &rest[split..])),
            Some((message, help)) => {
                if self.refused.insert((assignment.origin.rank(), format!("{section}.{name}"))) {
                    self.faults.push(StartupFault::new(&assignment.origin, message, help));
                }
                None
            }
        }
    }

    fn no_section(&mut self, assignment: &Assignment, section: &str) {
        if !self.refused.insert((assignment.origin.rank(), section.to_owned())) {
            return;
        }
        let section = section.escape_debug();
        let sections = SECTIONS.iter().chain(&self.known.sections).copied();
        let help = suggest(&section.to_string(), sections, "sections: ");
        let message = format!("there is no section `{section}`");
        self.faults.push(StartupFault::new(&assignment.origin, message, help));
    }
}

/// Sets one key of a subscriber, or one argument of its breaker, its rate limit or its batches, which also switches that on.
fn subscriber(assignment: &Assignment, rest: &[String], entry: &mut SubscriberSettings) -> Option<StartupFault> {
    let (fault, switch) = match rest {
        [key, below @ ..] if key == "circuit_breaker" && !below.is_empty() => {
            (apply(assignment, below, BREAKER, &mut entry.breaker), &mut entry.circuit_breaker)
        }
        [key, below @ ..] if key == "rate_limit" && !below.is_empty() => {
            (apply(assignment, below, RATE_LIMIT, &mut entry.rate), &mut entry.rate_limit)
        }
        [key, below @ ..] if key == "batch" && !below.is_empty() => {
            (apply(assignment, below, BATCH, &mut entry.batching), &mut entry.batch)
        }
        _ => return apply(assignment, rest, SUBSCRIBER, entry),
    };
    if fault.is_none() {
        *switch = Some(Set { value: true, origin: assignment.origin.clone() });
    }
    fault
}

/// Sets one key of a section, or says why not.
fn apply<S>(assignment: &Assignment, rest: &[String], keys: &[Key<S>], section: &mut S) -> Option<StartupFault> {
    let path = assignment.path.join(".");
    let path = path.escape_debug();
    let fault = |message: String, help: String| Some(StartupFault::new(&assignment.origin, message, help));
    let Some((word, below)) = rest.split_first() else {
        let is_table = matches!(assignment.value, toml::Value::Table(_));
        return if is_table {
            None
        } else {
            fault(format!("`{path}` is a section, not a key"), format!("write its keys below `[{path}]`"))
        };
    };
    let Some(key) = keys.iter().find(|key| key.name == word) else {
        let message = format!("`{path}`: there is no key `{}`", word.escape_debug());
        return fault(message, suggest(word, keys.iter().map(|key| key.name), "keys: "));
    };
    let accepts = format!("write {}", key.accepts);
    if !below.is_empty() {
        return fault(format!("`{path}`: a table is not a value of `{word}`"), accepts);
    }
    let refused = (key.set)(section, &Given::from(assignment)).err()?;
    // What the grammar says quotes the value, which may be a secret that was mounted at the wrong key.
    let message = match assignment.written {
        Written::Secret => "the content of the file is refused".into(),
        Written::Typed | Written::Plain => refused.message,
    };
    fault(format!("`{path}`: {message}"), if refused.help.is_empty() { accepts } else { refused.help })
}

/// A middleware's list of subscribers or publishers that names one that is not there.
fn strangers(assignment: &Assignment, rest: &[String], known: &Known<'_>) -> Option<StartupFault> {
    if !matches!(rest, [key] if key == "only" || key == "except") {
        return None;
    }
    let names = Given::from(assignment).names().ok()?;
    let middleware = assignment.path[1..assignment.path.len() - rest.len()].join(".");
    let (kind, listed) = if known.publish_middleware.contains(&middleware.as_str()) {
        ("publisher", &known.publishers)
    } else {
        ("subscriber", &known.subscribers)
    };
    let stranger = names.iter().find(|name| !listed.contains(&name.as_str()))?;
    let message = format!("`{}`: there is no {kind} `{stranger}`", assignment.path.join(".").escape_debug());
    let help = suggest(stranger, listed.iter().copied(), &format!("{kind}s: "));
    Some(StartupFault::new(&assignment.origin, message, help))
}
