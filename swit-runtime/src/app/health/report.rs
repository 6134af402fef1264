//! [`Health`]: what a service says when it is asked how it is.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::{scope::Service, text::Text};

/// How a service is, component by component. As JSON it is what the pages below `/health` answer.
///
/// ```ignore
/// let health = running.health().await;
/// assert!(health.is_ready(), "{health:?}");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// All taken together.
    pub status: HealthStatus,
    /// Where the service stands between start and end.
    pub stage: Stage,
    /// Its name.
    pub service: Text,
    /// Its version.
    pub version: Text,
    /// This instance.
    pub instance: Text,
    /// Its parts: connections, subscriptions, providers, checks, each kind in the order of registration.
    pub components: Vec<Component>,
}

/// How a part is, or the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// Well.
    Up,
    /// Not known yet: a check that is not critical and has not answered. The whole is degraded by it.
    Unknown,
    /// Works, and somebody should look.
    Degraded,
    /// Does not work.
    Down,
}

/// Where a service stands between start and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Stage {
    /// Builds its providers, connects, declares.
    Starting,
    /// Consumes.
    Running,
    /// Shuts down.
    Draining,
}

/// One part of a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Component {
    /// Its name, once among those of its kind.
    pub name: Text,
    /// What it is.
    pub kind: ComponentKind,
    /// How it is.
    pub status: HealthStatus,
    /// Whether the service is not ready while it is down.
    pub critical: bool,
    /// How long its check took; `latency_ms` in JSON.
    #[serde(rename = "latency_ms", serialize_with = "milliseconds", skip_serializing_if = "Option::is_none")]
    pub latency: Option<Duration>,
    /// What is to be said of it: why it is not well, or that it is paused. One line, capped, control characters escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
}

/// What a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ComponentKind {
    /// The connections of a transport.
    Transport,
    /// A subscriber's subscription.
    Subscriber,
    /// A provider with `health = …`.
    Provider,
    /// A function with `#[health_check]`.
    Check,
}

impl Health {
    /// The parts, taken together: not ready before it runs or once it drains, nor while a critical part is down.
    pub(super) fn of(service: &Service, stage: Stage, components: Vec<Component>) -> Self {
        let weight = |part: &Component| match part.status {
            HealthStatus::Unknown => HealthStatus::Degraded,
            HealthStatus::Down if !part.critical => HealthStatus::Degraded,
            status => status,
        };
        let worst = components.iter().map(weight).max().unwrap_or(HealthStatus::Up);
        Self {
            status: if stage == Stage::Running { worst } else { HealthStatus::Down },
            stage,
            service: service.name.clone(),
            version: service.version.clone(),
            instance: service.instance.clone(),
            components,
        }
    }

    /// Whether it can be given work: it runs and is not down.
    pub fn is_ready(&self) -> bool {
        self.status != HealthStatus::Down
    }

    /// A component by kind and name.
    pub fn component(&self, kind: ComponentKind, name: &str) -> Option<&Component> {
        self.components.iter().find(|part| part.kind == kind && part.name == *name)
    }
}

impl Component {
    pub(super) fn new(kind: ComponentKind, name: &Text, status: HealthStatus, text: Option<Text>) -> Self {
        Self { name: name.clone(), kind, status, critical: true, latency: None, text }
    }
}

#[expect(clippy::ref_option, reason = "it is how serde calls it")]
fn milliseconds<S: Serializer>(latency: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    // To the microsecond: more digits would say nothing.
    let micros = latency.unwrap_or_default().as_micros();
    serializer.serialize_f64(micros as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(status: HealthStatus, critical: bool) -> Component {
        let text = Text::from_static("x");
        Component { critical, ..Component::new(ComponentKind::Check, &text, status, None) }
    }

    #[test]
    fn the_worst_part_decides_unless_it_is_not_critical() {
        use HealthStatus::{Degraded, Down, Unknown, Up};
        let service = Service::new("orders", "1", "i");
        for (parts, stage, status) in [
            (vec![], Stage::Running, Up),
            (vec![part(Up, true), part(Degraded, true)], Stage::Running, Degraded),
            (vec![part(Up, true), part(Down, false)], Stage::Running, Degraded),
            (vec![part(Up, true), part(Unknown, false)], Stage::Running, Degraded),
            (vec![part(Down, true), part(Down, false)], Stage::Running, Down),
            (vec![part(Up, true)], Stage::Starting, Down),
            (vec![part(Up, true)], Stage::Draining, Down),
        ] {
            let health = Health::of(&service, stage, parts);
            assert_eq!((health.status, health.is_ready()), (status, status != Down));
        }
    }
}
