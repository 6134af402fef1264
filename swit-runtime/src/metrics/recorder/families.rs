//! All of a program's own metrics by name, and how many there may be.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use ::metrics::{Key, SharedString, Unit};

use super::{
    family::{self, Family, Value},
    known::Refused,
    names,
};
use crate::metrics::Kind;

/// Most names.
pub(super) const MOST_NAMES: usize = 1_000;
/// Most series of one name. Whoever labels by what comes out of messages reaches it.
pub(super) const MOST_OF_A_NAME: usize = 1_000;
/// Most lines of all names together: of a histogram there is one for each bound, and three more. A page of them is some
/// megabytes.
pub(super) const MOST_LINES: usize = 50_000;
/// Most bounds of a histogram.
pub(super) const MOST_BOUNDS: usize = 200;

/// All metrics by name.
#[derive(Default)]
pub(super) struct Families {
    by_name: BTreeMap<Arc<str>, Family>,
    /// Names of samples, which are more than those of families.
    taken: HashSet<String>,
    descriptions: HashMap<String, (Option<Unit>, SharedString)>,
    bounds: HashMap<String, Vec<f64>>,
    /// Names that somebody was warned of.
    warned: HashSet<String>,
    /// Lines that there are, and keys that are a series which there was already: each takes room.
    used: usize,
}

/// A family as it was at one moment, to be written without a lock.
pub(super) struct Seen {
    pub(super) name: Arc<str>,
    pub(super) help: SharedString,
    pub(super) family: Family,
}

/// A key that is not kept.
pub(super) struct Refusal {
    pub(super) refused: Refused,
    /// The name and the reason, if nobody was told of them yet.
    pub(super) said: Option<(String, String)>,
}

impl Families {
    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn describe(&mut self, name: String, unit: Option<Unit>, description: SharedString) {
        if self.descriptions.len() < MOST_NAMES || self.descriptions.contains_key(&name) {
            self.descriptions.insert(name, (unit, description));
        }
    }

    pub(super) fn bounds(&mut self, name: String, bounds: Vec<f64>) {
        self.bounds.insert(name, bounds);
    }

    /// The value of this key, made if it is new.
    ///
    /// # Errors
    /// It may not be.
    pub(super) fn value(&mut self, key: &Key, kind: Kind) -> Result<Arc<Value>, Refusal> {
        let name = names::metric(key.name());
        let family = match self.by_name.get_mut(&*name) {
            Some(family) if family.kind() == kind => family,
            Some(_) => {
                let why = "it is recorded as another type already; rename one of them";
                return Err(self.refuse(Refused::Name, name, why));
            }
            None => {
                let family = self.make(&name, kind)?;
                self.by_name.entry(name.as_str().into()).or_insert(family)
            }
        };
        let labels = names::labels(key.labels(), kind);
        let is_new = !family.has(&labels);
        let lines = if is_new { family.lines() } else { 1 };
        // A key that is a series already, by other letters or in another order, is remembered all the same.
        if family.keys() >= 4 * MOST_OF_A_NAME || (is_new && family.len() >= MOST_OF_A_NAME) {
            let why = format!("it has {MOST_OF_A_NAME} series already: do not label it by what is in messages");
            return Err(self.refuse(Refused::Name, name, &why));
        }
        if self.used + lines > MOST_LINES {
            let why = format!(
                "all metrics together have {MOST_LINES} lines on the page already: none gets another series; label \
                 them by less, or give histograms fewer buckets"
            );
            return Err(self.refuse(Refused::All, "… (all)".to_owned(), &why));
        }
        self.used += lines;
        Ok(family.value(labels))
    }

    /// The family of a name that is new.
    fn make(&mut self, name: &str, kind: Kind) -> Result<Family, Refusal> {
        let samples = names::samples(name, kind);
        if let Some(taken) = samples.iter().find(|sample| self.taken.contains(*sample)) {
            let why = format!("there is a metric of another type that has the samples `{taken}`; rename it");
            return Err(self.refuse(Refused::Name, name.to_owned(), &why));
        }
        if self.by_name.len() >= MOST_NAMES {
            let why = format!("there are {MOST_NAMES} names already: do not make them of what is in messages");
            return Err(self.refuse(Refused::Names, "…".to_owned(), &why));
        }
        let unit = self.descriptions.get(name).and_then(|(unit, _)| *unit);
        let bounds = self.bounds.get(name).cloned().unwrap_or_else(|| family::bounds(name, unit));
        self.taken.extend(samples);
        Ok(Family::new(kind, bounds))
    }

    fn refuse(&mut self, refused: Refused, name: String, why: &str) -> Refusal {
        Refusal { refused, said: self.warn(&name).then(|| (name, why.to_owned())) }
    }

    /// Whether somebody is to be warned of this name now.
    fn warn(&mut self, name: &str) -> bool {
        self.warned.len() <= MOST_NAMES && self.warned.insert(name.to_owned())
    }

    /// All but those whose names begin like this; and of these the names that nobody was warned of yet.
    pub(super) fn seen(&mut self, prefix: &str) -> (Vec<Seen>, Vec<Arc<str>>) {
        let (mut seen, mut left_out) = (Vec::with_capacity(self.by_name.len()), Vec::new());
        for (name, family) in &self.by_name {
            if name.starts_with(prefix) {
                left_out.push(name.clone());
                continue;
            }
            let help = self.descriptions.get(&**name).map(|(_, help)| help.clone()).unwrap_or_default();
            seen.push(Seen { name: name.clone(), help, family: family.clone() });
        }
        left_out.retain(|name| self.warn(name));
        (seen, left_out)
    }
}
