//! The sagas of an app: each once, each that is asked for there.

use std::collections::HashMap;

use super::{Faults, Required};
use crate::{
    app::builder::App,
    registry::{Location, SagaRegistration},
};

/// The sagas that this app runs.
pub(super) fn sagas(app: &App, required: &Required, faults: &mut Faults) -> Vec<&'static SagaRegistration> {
    let mut seen: HashMap<&str, Location> = HashMap::new();
    for saga in &app.selection.sagas {
        if let Some(first) = seen.insert(saga.name, saga.location) {
            faults.add(
                saga.location,
                format!("the saga `{}` was already registered at {first}", saga.name),
                "give one of them another `name = \"…\"`",
            );
        }
    }
    for (location, name, needs) in required {
        for saga in needs.sagas().iter().filter(|saga| !seen.contains_key(**saga)) {
            faults.add(
                location,
                format!("`{name}` takes the saga `{saga}`, which this app does not run"),
                "add it: `App::with_saga::<…>()`",
            );
        }
    }
    app.selection.sagas.clone()
}
