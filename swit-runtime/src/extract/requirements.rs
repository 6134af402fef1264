//! What handlers, middleware and providers need of the service, collected before it starts.

use std::any::TypeId;

use crate::scope::Shared;

/// A state that must be provided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateRequirement {
    /// The type.
    pub id: TypeId,
    /// Its name, for the report.
    pub type_name: &'static str,
}

/// A section of the configuration that must be readable as a type.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ConfigRequirement {
    /// The section's name.
    pub section: &'static str,
    /// The type.
    pub id: TypeId,
    /// Its name, for the report.
    pub type_name: &'static str,
    /// Reads the section (an empty table where it is missing); unknown keys and bad values come back as texts.
    pub load: fn(toml::Table) -> Result<Shared, Vec<String>>,
}

/// A named publisher that must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublisherRequirement {
    /// The type that stands for it.
    pub id: TypeId,
    /// That type's name, for the report.
    pub type_name: &'static str,
}

/// What handlers, middleware and providers need of the service.
#[derive(Debug, Clone, Default)]
pub struct Requirements {
    states: Vec<StateRequirement>,
    configs: Vec<ConfigRequirement>,
    publishers: Vec<PublisherRequirement>,
    database: bool,
    sagas: Vec<&'static str>,
}

impl Requirements {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { states: Vec::new(), configs: Vec::new(), publishers: Vec::new(), database: false, sagas: Vec::new() }
    }

    /// A state of this type must be provided.
    pub fn state<T: Send + Sync + 'static>(&mut self) {
        let state = StateRequirement { id: TypeId::of::<T>(), type_name: std::any::type_name::<T>() };
        if !self.states.contains(&state) {
            self.states.push(state);
        }
    }

    /// A section of the configuration must be readable.
    pub fn config(&mut self, config: ConfigRequirement) {
        if !self.configs.iter().any(|known| known.id == config.id) {
            self.configs.push(config);
        }
    }

    /// The publisher that this type stands for must be registered.
    pub fn publisher<P: 'static>(&mut self) {
        let publisher = PublisherRequirement { id: TypeId::of::<P>(), type_name: std::any::type_name::<P>() };
        if !self.publishers.contains(&publisher) {
            self.publishers.push(publisher);
        }
    }

    /// There must be a database.
    pub fn database(&mut self) {
        self.database = true;
    }

    /// The saga of this name must be run, and there must be a database.
    pub fn saga(&mut self, name: &'static str) {
        self.database = true;
        if !self.sagas.contains(&name) {
            self.sagas.push(name);
        }
    }

    /// The sagas.
    pub fn sagas(&self) -> &[&'static str] {
        &self.sagas
    }

    /// Whether there must be a database.
    pub fn wants_database(&self) -> bool {
        self.database
    }

    /// The states.
    pub fn states(&self) -> &[StateRequirement] {
        &self.states
    }

    /// The sections.
    pub fn configs(&self) -> &[ConfigRequirement] {
        &self.configs
    }

    /// The named publishers.
    pub fn publishers(&self) -> &[PublisherRequirement] {
        &self.publishers
    }
}
