//! The layers of a configuration, and reading them all at once.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fmt, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{
    Known, Origin, Settings,
    assignment::{Assignment, flatten},
    environment::Environment,
    file,
    known::SECTIONS,
    place::Placer,
};
use crate::error::StartupFault;

/// The file that is read where none is named.
const DEFAULT_FILE: &str = "swit.toml";
/// The variable that names another.
const FILE_VARIABLE: &str = "SWIT_CONFIG";

/// The layers of a configuration. Later wins: file, environment, [`set`](Self::set).
///
/// `Debug` shows no value.
#[derive(Clone)]
pub struct Layers {
    files: Vec<Source>,
    default_file: bool,
    environment: Vec<(OsString, OsString)>,
    builder: Vec<(String, toml::Value)>,
}

#[derive(Clone)]
enum Source {
    Path(PathBuf),
    Text { name: String, text: String },
}

impl Default for Layers {
    fn default() -> Self {
        Self::new()
    }
}

impl Layers {
    /// What a service reads by itself: the file that `SWIT_CONFIG` names, else `swit.toml` in the working directory
    /// where there is one, and the process's environment.
    pub fn new() -> Self {
        Self { default_file: true, environment: std::env::vars_os().collect(), ..Self::none() }
    }

    /// No layer at all: for tests, which should not depend on where they run.
    pub fn none() -> Self {
        Self { files: Vec::new(), default_file: false, environment: Vec::new(), builder: Vec::new() }
    }

    /// Reads this file instead of the default one; it must be there. Of several, later ones win.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(Source::Path(path.into()));
        self
    }

    /// As [`file`](Self::file), with the text itself; `name` is what faults call it.
    pub fn text(mut self, name: impl Into<String>, toml: impl Into<String>) -> Self {
        self.files.push(Source::Text { name: name.into(), text: toml.into() });
        self
    }

    /// A variable of the environment that is read. Empty is as if it were not there.
    #[cfg(feature = "traces")]
    pub(in crate::app) fn variable(&self, name: &str) -> Option<&str> {
        let (_, value) = self.environment.iter().find(|(known, _)| known.as_os_str() == name)?;
        value.to_str().map(str::trim).filter(|value| !value.is_empty())
    }

    /// Reads these variables instead of the process's environment.
    pub fn environment<K, V>(mut self, variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        self.environment = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        self
    }

    /// Sets a key by its path: `set("subscriber.confirm-order.retries", 5)`. A table sets every key in it. Of several
    /// calls, later ones win. What is wrong with it is found by [`read`](Self::read).
    pub fn set(mut self, key: impl Into<String>, value: impl Into<toml::Value>) -> Self {
        self.builder.push((key.into(), value.into()));
        self
    }

    /// Reads all layers: the settings, and everything that is wrong with them, each fault with its layer.
    ///
    /// A value that is refused is left out, as if its layer had not set it, so that what depends on it can be checked too.
    pub fn read(&self, known: &Known<'_>) -> (Settings, Vec<StartupFault>) {
        let mut faults = reserved(known);
        let files = self.read_files(&mut faults);
        let builder = self.read_builder(&mut faults);
        let others = [files.as_slice(), builder.as_slice()].concat();
        let environment = Environment { known, others: &others }.assignments(&self.environment, &mut faults);
        let mut placer =
            Placer { known, settings: Settings::default(), faults, refused: BTreeSet::new(), unclear: BTreeSet::new() };
        for assignment in files.iter().chain(&environment).chain(&builder) {
            placer.place(assignment);
        }
        placer.check_transports();
        (placer.settings, placer.faults)
    }

    fn read_files(&self, faults: &mut Vec<StartupFault>) -> Vec<Assignment> {
        let mut found = Vec::new();
        for source in &self.files {
            match source {
                Source::Text { name, text } => found.extend(file::assignments(name, text, faults)),
                Source::Path(path) => found.extend(read_path(path, "named by the application", true, faults)),
            }
        }
        if self.files.is_empty() && self.default_file {
            let named = self.environment.iter().find(|(name, _)| name.eq_ignore_ascii_case(FILE_VARIABLE));
            let path = named.map_or(Path::new(DEFAULT_FILE), |(_, path)| Path::new(path));
            let by = format!("named by the environment variable {FILE_VARIABLE}");
            found.extend(read_path(path, &by, named.is_some(), faults));
        }
        found
    }

    fn read_builder(&self, faults: &mut Vec<StartupFault>) -> Vec<Assignment> {
        let mut found = Vec::new();
        for (key, value) in &self.builder {
            let path: Vec<String> = key.split('.').map(Into::into).collect();
            if path.iter().any(String::is_empty) {
                let message = format!("`{}` is not the path of a key", key.escape_debug());
                let help = "write section, name and key with dots between, such as `subscriber.confirm-order.retries`";
                faults.push(StartupFault::new(Origin::Builder, message, help));
            } else {
                flatten(path, value.clone(), &Origin::Builder, &mut found);
            }
        }
        found
    }
}

fn read_path(path: &Path, by: &str, required: bool, faults: &mut Vec<StartupFault>) -> Vec<Assignment> {
    let name = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => file::assignments(&name, &text, faults),
        Err(error) if error.kind() == ErrorKind::NotFound && !required => Vec::new(),
        Err(error) => {
            let by = if required { format!(", {by},") } else { String::new() };
            let message = format!("the configuration file{by} can't be read: {error}");
            faults.push(StartupFault::new(name, message, "name a readable file of UTF-8 text, or none"));
            Vec::new()
        }
    }
}

/// The application's sections whose names can't be theirs.
fn reserved(known: &Known<'_>) -> Vec<StartupFault> {
    let taken = |name: &str| SECTIONS.contains(&name);
    let bad = known.sections.iter().filter(|name| taken(name) || name.contains('.') || name.is_empty());
    let unique: BTreeSet<_> = bad.collect();
    let fault = |name: &&str| {
        let why = if taken(name) { "belongs to swit" } else { "is not one word" };
        StartupFault::new(
            "",
            format!("the configuration section `{name}` of the application {why}"),
            "give its type another section",
        )
    };
    unique.into_iter().map(fault).collect()
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<_> = self
            .files
            .iter()
            .map(|source| match source {
                Source::Path(path) => path.display().to_string(),
                Source::Text { name, .. } => name.clone(),
            })
            .collect();
        let keys: Vec<_> = self.builder.iter().map(|(key, _)| key).collect();
        f.debug_struct("Layers").field("files", &files).field("builder", &keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
