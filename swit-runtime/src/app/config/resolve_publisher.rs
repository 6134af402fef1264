//! A publisher's settings laid over its attribute.

use super::{PublisherSettings, Set, Settings};
use crate::{
    app::suggest::suggest,
    error::StartupFault,
    publisher::PublisherConfig,
    registry::{Location, PublisherSpec},
    text::Text,
};

/// Lays the settings of the publisher `name` over its attribute `spec`, which stands at `location`.
///
/// Each value was checked where it was written. What is left to see is whether they fit the attribute: a fault names the
/// layer that set the key, or the attribute's `file:line`.
pub fn resolve_publisher(
    spec: &PublisherSpec,
    name: &str,
    location: Location,
    settings: &Settings,
) -> (PublisherConfig, Vec<StartupFault>) {
    let nothing = PublisherSettings::default();
    let set = settings.publishers.get(name).unwrap_or(&nothing);
    let mut faults = Vec::new();
    if let (Some(capacity), None) = (&set.capacity, spec.capacity) {
        let message = format!("`publisher.{name}.capacity`: the publisher is not asynchronous");
        let help = "write `async` into its attribute, or remove `capacity`";
        faults.push(StartupFault::new(&capacity.origin, message, help));
    }
    let mut config = PublisherConfig::new(name).transport(Text::from_static(spec.transport));
    config.confirm = value(set.confirm.as_ref()).or(spec.confirm);
    config.batch = value(set.batch.as_ref()).unwrap_or(spec.batch);
    config.compression = value(set.compression.as_ref()).unwrap_or(spec.compression);
    config.capacity = spec.capacity.map(|written| value(set.capacity.as_ref()).unwrap_or(written));
    config.unrouted = value(set.unrouted.as_ref()).or(spec.unrouted);
    if let Some(transport) = &set.transport {
        config.transport = transport.value.clone();
    }
    let transports = || settings.transports.keys().map(Text::as_str).chain(["default"]);
    if !transports().any(|known| known == config.transport.as_str()) {
        let (place, subject) = match &set.transport {
            Some(transport) => (transport.origin.to_string(), format!("`publisher.{name}.transport`")),
            None => (location.to_string(), format!("publisher `{name}`")),
        };
        let help = format!(
            "configure `[transport.{}]`. {}",
            config.transport,
            suggest(&config.transport, transports(), "transports: ")
        );
        let message = format!("{subject}: there is no transport `{}`", config.transport);
        faults.push(StartupFault::new(place, message, help));
    }
    (config, faults)
}

fn value<T: Clone>(set: Option<&Set<T>>) -> Option<T> {
    set.map(|set| set.value.clone())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        app::config::{Known, Layers},
        event::Unrouted,
        registry::Batching,
    };

    const SPEC: PublisherSpec = PublisherSpec {
        confirm: Some(Duration::from_secs(5)),
        batch: Some(Batching::DEFAULT),
        capacity: Some(10),
        ..PublisherSpec::DEFAULT
    };
    const PLACE: Location = Location { module: "orders", file: "src/main.rs", line: 12 };

    fn resolved(spec: &PublisherSpec, toml: &str) -> (PublisherConfig, Vec<String>) {
        let known = Known { publishers: vec!["order-created"], ..Known::default() };
        let (settings, mut faults) = Layers::none().text("swit.toml", toml).read(&known);
        let (config, found) = resolve_publisher(spec, "order-created", PLACE, &settings);
        faults.extend(found);
        (config, faults.iter().map(|fault| format!("{}: {}", fault.location, fault.message)).collect())
    }

    #[test]
    fn the_attribute_stands_where_nothing_is_set() {
        let (config, faults) = resolved(&SPEC, "");
        assert!(faults.is_empty());
        let expected = PublisherConfig::new("order-created").confirm(Duration::from_secs(5));
        assert_eq!(config, expected.batch(Batching::DEFAULT).background(10));
    }

    #[test]
    fn a_deployment_changes_every_key() {
        let toml = "[publisher.order-created]\nconfirm = \"1s\"\nbatch = \"messages = 7\"\ncompression = \"none\"\ncapacity = 20\nunrouted = \"error\"\ntransport = \"eu\"\n[transport.eu]";
        let (config, faults) = resolved(&SPEC, toml);
        assert!(faults.is_empty(), "{faults:?}");
        let expected = PublisherConfig::new("order-created").confirm(Duration::from_secs(1)).background(20);
        let expected = expected.batch(Batching { messages: 7, ..Batching::DEFAULT });
        assert_eq!(config, expected.unrouted(Unrouted::Error).transport("eu"));
        assert_eq!(resolved(&SPEC, "[publisher.order-created]\nbatch = false").0.batch, None);
    }

    #[test]
    fn what_does_not_fit_names_its_layer() {
        for (toml, fault) in [
            ("confirm = \"0s\"", "swit.toml:2: `publisher.order-created.confirm`: `0s` is zero"),
            ("batch = true", "`publisher.order-created.batch`: `true` is not a batch"),
            ("batch = \"messages = 1\"", "`publisher.order-created.batch`: `messages` is 1"),
            ("compression = \"gzp\"", "\"gzp\" is not a compression"),
            ("capacity = 0", "0 is not between 1 and 1000000"),
            ("unrouted = \"drop\"", "\"drop\" is not what happens to unrouted events"),
            ("transport = \"eu\"", "swit.toml:2: `publisher.order-created.transport`: there is no transport `eu`"),
            ("enabled = false", "there is no key `enabled`"),
        ] {
            let (_, faults) = resolved(&SPEC, &format!("[publisher.order-created]\n{toml}"));
            assert!(faults.len() == 1 && faults[0].contains(fault), "{toml}: {faults:?}");
        }
        let (_, faults) = resolved(&PublisherSpec::DEFAULT, "[publisher.order-created]\ncapacity = 5");
        assert_eq!(faults, ["swit.toml:2: `publisher.order-created.capacity`: the publisher is not asynchronous"]);
        let elsewhere = PublisherSpec { transport: "elsewhere", ..SPEC };
        let (_, faults) = resolved(&elsewhere, "");
        assert_eq!(faults, ["src/main.rs:12: publisher `order-created`: there is no transport `elsewhere`"]);
        assert!(resolved(&SPEC, "[publisher.order-creatd]\nconfirm = \"1s\"").1[0].contains("there is no publisher"));
    }
}
