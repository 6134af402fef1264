//! What the parts of an app require, and the configuration that is read for them.

use std::{
    any::TypeId,
    collections::{BTreeSet, HashMap},
};

use super::Faults;
use crate::{
    app::{
        builder::App,
        config::{Known, Settings},
        selection::Selection,
    },
    error::StartupFault,
    extract::Requirements,
    registry::Location,
    scope::Shared,
    text::Text,
};

/// What every part of the app requires, with the place that requires it.
pub(crate) type Required = Vec<(Location, &'static str, Requirements)>;

/// Asks every part of the app.
pub(super) fn requirements(app: &App) -> Required {
    let mut all = Required::new();
    let mut add = |location, name, requires: fn(&mut Requirements)| {
        let mut requirements = Requirements::new();
        requires(&mut requirements);
        all.push((location, name, requirements));
    };
    for (location, requires) in &app.required {
        add(*location, "App::require", *requires);
    }
    for subscriber in &app.selection.subscribers {
        match subscriber.composite {
            None => add(subscriber.location, subscriber.function, subscriber.requires),
            // Each for itself: a fault is told at the handler.
            Some(composite) => {
                for handler in composite.handlers().iter().map(|member| member.handler) {
                    add(handler.location, handler.function, handler.requires);
                }
            }
        }
        for middleware in subscriber.middleware {
            add(middleware.location, middleware.name, middleware.requires);
        }
    }
    for middleware in &app.selection.middleware {
        add(middleware.location, middleware.name, middleware.requires);
    }
    for middleware in &app.selection.publish_middleware {
        add(middleware.location, middleware.name, middleware.requires);
    }
    for provider in &app.selection.providers {
        add(provider.location, provider.name, provider.requires);
    }
    for saga in &app.selection.sagas {
        for step in saga.steps {
            let undo = step.compensation.as_ref().map(|undo| &undo.call);
            for call in std::iter::once(&step.call).chain(undo) {
                add(call.location, call.function, call.requires);
            }
        }
        // Whether or not a step asks for it: its rows lie there.
        add(saga.location, saga.type_name, Requirements::database);
    }
    for check in &app.selection.health_checks {
        add(check.location, check.name, check.requires);
    }
    all
}

/// Reads the layers. One file may serve a binary that runs in several roles, so it may speak of everything that was
/// linked, not only of what this app selects.
pub(super) fn read_settings(app: &App, requirements: &Required) -> (Settings, Vec<StartupFault>) {
    let everything = Selection::all();
    let subscribers = everything.subscribers.iter().chain(&app.selection.subscribers).map(|known| known.name);
    let subscribers = subscribers.chain(app.expected.iter().map(Text::as_str));
    let middleware = everything.middleware.iter().chain(&app.selection.middleware).map(|known| known.name);
    let middleware = middleware.chain(app.middleware.iter().map(|added| added.name.as_str()));
    let publish = everything.publish_middleware.iter().chain(&app.selection.publish_middleware).map(|known| known.name);
    let publish = unique(publish.chain(app.publish_middleware.iter().map(|added| added.name.as_str())));
    let publishers = everything.publishers.iter().chain(&app.selection.publishers).map(|known| known.name);
    let sagas = everything.sagas.iter().chain(&app.selection.sagas).map(|known| known.name);
    let known = Known {
        subscribers: unique(subscribers),
        publishers: unique(publishers),
        middleware: unique(middleware.chain(publish.iter().copied())),
        publish_middleware: publish,
        transports: unique(app.transports.iter().map(|known| known.name())),
        sagas: unique(sagas),
        sections: unique(requirements.iter().flat_map(|(.., needs)| needs.configs()).map(|config| config.section)),
    };
    let (mut settings, faults) = app.layers.read(&known);
    for transport in &app.transports {
        settings.transports.entry(Text::from(transport.name())).or_default();
    }
    (settings, faults)
}

fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Reads the application's own sections as the types that take them.
pub(super) fn sections(requirements: &Required, settings: &Settings, faults: &mut Faults) -> Vec<(TypeId, Shared)> {
    let mut loaded = Vec::new();
    let mut types: HashMap<&str, (TypeId, &str)> = HashMap::new();
    for (location, _, needs) in requirements {
        for config in needs.configs() {
            match types.get(config.section) {
                Some((id, _)) if *id == config.id => continue,
                Some((_, other)) => {
                    faults.add(
                        location,
                        format!("the section `{}` is read as `{}` and as `{other}`", config.section, config.type_name),
                        "read a section as one type",
                    );
                    continue;
                }
                None => {}
            }
            types.insert(config.section, (config.id, config.type_name));
            match settings.section(config.section).load(config) {
                Ok(value) => loaded.push((config.id, value)),
                Err(found) => faults.all(found),
            }
        }
    }
    loaded
}
