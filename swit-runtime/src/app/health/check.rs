//! One check of a provider's or a user's: what is called, and what its answer says.
//!
//! Guarantees: the call has its time and no more, unless it blocks its thread; whatever panics of it, the call, its error's text, or its
//! error as it is dropped, is told as what it is.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::report::{Component, ComponentKind, HealthStatus};
use crate::{
    classify::BoxError,
    outcome::{cap, one_line},
    registry::{HealthCheckRegistration, ProviderHealth, ProviderRegistration},
    scope::{Scope, Shared},
    text::Text,
    transport::BoxFuture,
    walled::walled,
};

/// How much longer than its time a check may seem to take where threads are busy.
const GRACE: Duration = Duration::from_millis(100);
/// Most bytes of a text that a check gives.
const MAX_TEXT: usize = 512;

/// One check.
pub(in crate::app) struct Check {
    kind: ComponentKind,
    pub(super) name: Text,
    timeout: Duration,
    pub(super) critical: bool,
    call: Box<dyn Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>,
}

impl Check {
    /// A function with `#[health_check]`.
    pub(in crate::app) fn of(registration: &'static HealthCheckRegistration, scope: &Arc<Scope>) -> Self {
        let (scope, check) = (scope.clone(), registration.check);
        Self {
            kind: ComponentKind::Check,
            name: Text::from_static(registration.name),
            timeout: registration.timeout,
            critical: registration.critical,
            call: Box::new(move || {
                let scope = scope.clone();
                Box::pin(async move { check(&scope).await })
            }),
        }
    }

    /// What a provider says of what it built.
    pub(in crate::app) fn of_provider(provider: &ProviderRegistration, health: ProviderHealth, value: Shared) -> Self {
        Self {
            kind: ComponentKind::Provider,
            name: Text::from_static(provider.name),
            timeout: health.timeout,
            critical: health.critical,
            call: Box::new(move || (health.check)(value.clone())),
        }
    }

    /// By when a call that began then has ended, unless it blocks its thread.
    pub(super) fn due(&self, begun: Instant) -> Instant {
        begun + self.timeout + GRACE
    }

    /// Calls it.
    pub(super) async fn run(&self) -> Component {
        let begun = Instant::now();
        // The text is made, and the error dropped, behind the same wall as the call.
        let answer = walled(|| {
            let call = (self.call)();
            Box::pin(async move { call.await.err().map(|error| cap(&one_line(&*error), MAX_TEXT).into_owned()) })
        });
        let answer = tokio::time::timeout(self.timeout, answer).await;
        let latency = begun.elapsed();
        let text = match answer {
            Ok(Some(None)) if Instant::now() > self.due(begun) => Some(format!(
                "answered after {} ms, with {:?} to do it in, and blocked a thread meanwhile: {INSTEAD}",
                latency.as_millis(),
                self.timeout
            )),
            Ok(Some(said)) => said,
            Ok(None) => Some(PANICKED.to_owned()),
            Err(_) => Some(format!("no answer within {:?}", self.timeout)),
        };
        Component { latency: Some(latency), ..self.component(text) }
    }

    /// One whose call panicked where nothing of it may.
    pub(super) fn panicked(&self) -> Component {
        self.component(Some(PANICKED.to_owned()))
    }

    /// One whose call should have ended and has not, which only a thread that is blocked explains.
    pub(super) fn blocks(&self, begun: Instant) -> Component {
        let since = begun.elapsed().as_millis();
        self.component(Some(format!(
            "no answer for {since} ms, as it blocks a thread, and can't be interrupted: {INSTEAD}"
        )))
    }

    /// One that has not answered yet, or too long ago.
    pub(super) fn unknown(&self) -> Component {
        let text = Text::from_static("has not answered yet");
        Component {
            critical: self.critical,
            ..Component::new(self.kind, &self.name, HealthStatus::Unknown, Some(text))
        }
    }

    fn component(&self, text: Option<String>) -> Component {
        let status = if text.is_none() { HealthStatus::Up } else { HealthStatus::Down };
        Component { critical: self.critical, ..Component::new(self.kind, &self.name, status, text.map(Text::from)) }
    }
}

const PANICKED: &str = "the check panicked";
const INSTEAD: &str = "what blocks goes through `tokio::task::spawn_blocking`";
