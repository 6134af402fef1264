//! Who the service is, and whether what the binary says it links is there.

use super::Faults;
use crate::{
    app::{
        builder::App,
        config::{Set, Settings, TransportKind},
    },
    scope::Service,
    text::Text,
};

/// The service's name, version and instance: configured, else given in code, else those of the binary's package.
pub(super) fn service(app: &App, settings: &Settings) -> Service {
    let linked = app.selection.linked.first();
    let (name, version) = app.service.clone().unwrap_or_else(|| {
        linked.map_or((Text::from_static("service"), Text::from_static("0.0.0")), |binary| {
            (Text::from_static(binary.package), Text::from_static(binary.version))
        })
    });
    let configured = &settings.service;
    let or = |set: &Option<Set<Text>>, other: Text| set.as_ref().map_or(other, |set| set.value.clone());
    let instance = format!("{}-{}", hostname(), std::process::id());
    Service::new(
        or(&configured.name, name),
        or(&configured.version, version),
        or(&configured.instance, instance.into()),
    )
}

/// On a durable broker queues are named after the service and outlive it: two that nobody named would share theirs.
pub(super) fn named(app: &App, settings: &Settings, faults: &mut Faults) {
    let is_named = settings.service.name.is_some() || app.service.is_some() || !app.selection.linked.is_empty();
    let given = app.transports.iter().find(|known| known.name() == "default");
    let url = settings.transports.get("default").and_then(|set| set.url.as_ref());
    let (durable, place) = match (given, url) {
        (Some(given), _) => (given.capabilities().durable, String::new()),
        (None, Some(url)) => (url.value.kind() != TransportKind::Memory, url.origin.to_string()),
        (None, None) => return,
    };
    if durable && !is_named {
        faults.add(
            place,
            "the service has no name, and its queues on the broker of the transport `default` are named after it",
            "set `service.name`, or write `swit::handlers!();` in the binary, which records its package",
        );
    }
}

/// The host's name where the environment or the system tells it; only used to tell instances apart.
fn hostname() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| swit_grammar::name::check_name(name).is_ok())
        .unwrap_or_else(|| "host".to_owned())
}

/// A crate that `swit::handlers!` lists must have registered something, and there must be something to do.
pub(super) fn linked(app: &App, faults: &mut Faults) {
    let selection = &app.selection;
    if selection.subscribers.is_empty() && selection.whole {
        faults.add(
            "",
            "no subscriber was found",
            "annotate a function with `#[subscriber(topic = \"…\")]`; if it is in a library crate, name that crate in the binary: `swit::handlers!(orders);`",
        );
    }
    if !selection.whole {
        return;
    }
    for binary in &selection.linked {
        for name in binary.crates {
            let registered = selection.subscribers.iter().map(|s| s.location);
            let registered = registered
                .chain(selection.middleware.iter().map(|m| m.location))
                .chain(selection.publish_middleware.iter().map(|m| m.location))
                .chain(selection.publishers.iter().map(|p| p.location))
                .chain(selection.providers.iter().map(|p| p.location))
                .chain(selection.events.iter().map(|e| e.location))
                .chain(selection.event_handlers.iter().map(|h| h.location));
            if !registered.into_iter().any(|location| location.krate() == *name) {
                faults.add(
                    binary.location,
                    format!("`swit::handlers!` names the crate `{name}`, which registered nothing"),
                    "annotate something in it, or remove it from the list",
                );
            }
        }
    }
}
