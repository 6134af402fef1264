//! Providers: a graph by type, built in dependency order, torn down in reverse.
//!
//! Guarantee: a provider is built after everything that it requires, and closed before any of it.

use std::{any::TypeId, collections::HashMap, time::Duration};

use super::{
    builder::App,
    graph::{Faults, Required},
};
use crate::{
    error::Error,
    extract::Requirements,
    outcome::one_line,
    registry::{Close, ProviderHealth, ProviderRegistration},
    scope::{Scope, Shared},
    walled::walled,
};

/// The providers in the order in which they are built. Gaps, duplicates and cycles are faults.
pub(super) fn order(app: &App, required: &Required, faults: &mut Faults) -> Vec<&'static ProviderRegistration> {
    let given = |id: TypeId| app.provided.iter().any(|provided| provided.id == id);
    let mut by_type: HashMap<TypeId, &'static ProviderRegistration> = HashMap::new();
    for provider in app.selection.providers.iter().filter(|provider| !given((provider.output)())) {
        if let Some(first) = by_type.insert((provider.output)(), provider) {
            faults.add(
                provider.location,
                format!(
                    "`{}` builds `{}`, which `{}` ({}) builds already",
                    provider.name,
                    (provider.output_name)(),
                    first.name,
                    first.location
                ),
                "keep one of them, or wrap the value in a type of its own",
            );
        }
    }
    for (location, name, needs) in required {
        for state in needs.states() {
            if !given(state.id) && !by_type.contains_key(&state.id) {
                faults.add(
                    location,
                    format!("`{name}` takes `State<{}>`, which nothing provides", state.type_name),
                    format!(
                        "write a `#[provider]` that returns `Result<{}, _>`, or call `App::provide`",
                        state.type_name
                    ),
                );
            }
        }
    }
    let mut walk = Walk { by_type, state: HashMap::new(), path: Vec::new(), ordered: Vec::new(), faults };
    for provider in &app.selection.providers {
        if !given((provider.output)()) {
            walk.visit(provider);
        }
    }
    walk.ordered
}

struct Walk<'a> {
    by_type: HashMap<TypeId, &'static ProviderRegistration>,
    /// Whether a type's provider is done; missing: not visited.
    state: HashMap<TypeId, bool>,
    path: Vec<&'static ProviderRegistration>,
    ordered: Vec<&'static ProviderRegistration>,
    faults: &'a mut Faults,
}

impl Walk<'_> {
    fn visit(&mut self, provider: &'static ProviderRegistration) {
        let id = (provider.output)();
        match self.state.get(&id) {
            Some(true) => return,
            Some(false) => {
                let start = self.path.iter().position(|known| (known.output)() == id).unwrap_or_default();
                let cycle: Vec<_> = self.path[start..].iter().map(|known| format!("`{}`", known.name)).collect();
                self.faults.add(
                    provider.location,
                    format!("the providers {} require each other", cycle.join(" → ")),
                    "break the cycle: let one of them take what it needs later, for example through a `OnceLock`",
                );
                return;
            }
            None => {}
        }
        self.state.insert(id, false);
        self.path.push(provider);
        let mut needs = Requirements::new();
        (provider.requires)(&mut needs);
        for state in needs.states() {
            if let Some(next) = self.by_type.get(&state.id).copied() {
                self.visit(next);
            }
        }
        self.path.pop();
        self.state.insert(id, true);
        self.ordered.push(provider);
    }
}

/// How long a provider may take before the log says that it is waited for.
const LONG: Duration = Duration::from_secs(10);
/// How long a provider may take to close; then it is left as it is, and the next one is closed.
const CLOSING: Duration = Duration::from_secs(5);

/// The values that were built and have to be closed, in the order of building.
#[derive(Default)]
pub(super) struct Built {
    closers: Vec<(&'static str, Close, Shared)>,
    /// What can be asked how it is.
    pub(super) checked: Vec<(&'static ProviderRegistration, ProviderHealth, Shared)>,
}

impl Built {
    /// Builds the providers into the scope. If one fails, those that were built are still to be closed.
    pub(super) async fn build(
        &mut self,
        providers: &[&'static ProviderRegistration],
        scope: &mut Scope,
    ) -> Result<(), Error> {
        for provider in providers {
            let value = slow_is_said((provider.build)(scope), provider).await.map_err(|source| Error::Provider {
                name: provider.name.to_owned(),
                location: provider.location.to_string(),
                source,
            })?;
            scope.insert((provider.output)(), value.clone());
            if let Some(health) = provider.health {
                self.checked.push((provider, health, value.clone()));
            }
            if let Some(close) = provider.close {
                self.closers.push((provider.name, close, value));
            }
        }
        Ok(())
    }

    /// Closes what was built, in reverse. A provider that fails to close, or takes longer than five seconds, is logged;
    /// the others are closed all the same.
    pub(super) async fn close(&mut self) {
        while let Some((name, close, value)) = self.closers.pop() {
            // Behind a wall: one that panics leaves the others open, and the service in the middle of its end.
            let closing = walled(|| {
                let closing = close(value);
                Box::pin(async move { closing.await.map_err(|error| one_line(&*error)) })
            });
            match tokio::time::timeout(CLOSING, closing).await {
                Ok(Some(Ok(()))) => {}
                Ok(Some(Err(error))) => {
                    tracing::error!(provider = name, %error, "the provider could not be closed");
                }
                Ok(None) => {
                    tracing::error!(provider = name, "the provider panicked as it was closed");
                }
                Err(_) => {
                    tracing::error!(provider = name, after = ?CLOSING, "the provider did not close; it is left as it is");
                }
            }
        }
    }
}

/// Awaits a provider, and says so in the log when it takes long.
async fn slow_is_said<T>(building: impl Future<Output = T>, provider: &ProviderRegistration) -> T {
    let mut building = std::pin::pin!(building);
    loop {
        if let Ok(built) = tokio::time::timeout(LONG, &mut building).await {
            return built;
        }
        tracing::warn!(
            provider = provider.name,
            location = %provider.location,
            "is still being built; a provider must not await a publish, which waits until all providers are built"
        );
    }
}

impl std::fmt::Debug for Built {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.closers.iter().map(|(name, ..)| name)).finish()
    }
}
