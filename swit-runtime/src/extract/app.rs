//! Extractors that need no delivery: they serve handlers, middleware and providers alike.

use std::{any::TypeId, fmt, ops::Deref, sync::Arc};

use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::{ConfigRequirement, FromDelivery, OptionalFromDelivery, Requirements};
use crate::{
    classify::Class,
    clock::Clock,
    context::Context,
    event::short_type_name,
    outcome::{Failure, FailureKind},
    scope::{Scope, Service},
};

/// A type that can be had from the service alone, without a delivery: an argument of providers and of publish-side
/// middleware too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be had without a delivery",
    label = "needs a delivery, or is no extractor",
    note = "providers and publish-side middleware take `State<T>`, `Config<T>`, `CancellationToken` and `Option<State<T>>`; providers also `Publisher`"
)]
pub trait FromScope: Sized + Send {
    /// Whether it publishes. What does can't be an argument of publish-side middleware, which would run around itself.
    const PUBLISHES: bool = false;

    /// Says what must be there before the service starts.
    fn requires(requirements: &mut Requirements) {
        let _ = requirements;
    }

    /// Takes it from the service.
    ///
    /// # Errors
    /// It is not there, which the start-up check rules out for what was required.
    fn from_scope(scope: &Scope) -> Result<Self, Failure>;

    /// Takes it from the service, for a handler of batches.
    ///
    /// # Errors
    /// As [`from_scope`](Self::from_scope).
    #[doc(hidden)]
    fn beside_batch(scope: &Scope) -> Result<Self, Failure> {
        Self::from_scope(scope)
    }
}

/// A value that a provider built, or `App::provide` was given; shared by the whole process.
pub struct State<T>(Arc<T>);

impl<T> State<T> {
    /// State of a value, for calling handlers directly.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// The shared value itself.
    pub fn into_shared(this: Self) -> Arc<T> {
        this.0
    }
}

impl<T> From<Arc<T>> for State<T> {
    fn from(value: Arc<T>) -> Self {
        Self(value)
    }
}

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for State<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for State<T> {
    /// The type's name only: state may hold secrets, and need not be `Debug`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State<{}>", short_type_name::<T>())
    }
}

impl<T: Send + Sync + 'static> FromScope for State<T> {
    fn requires(requirements: &mut Requirements) {
        requirements.state::<T>();
    }

    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        scope.get().map(Self).ok_or_else(|| missing("state", std::any::type_name::<T>()))
    }
}

/// A type that is a section of the configuration. Derived: `#[derive(ConfigSection)]` with `#[config(section = "orders")]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a section of the configuration",
    note = "derive it: `#[derive(Deserialize, ConfigSection)]` with `#[config(section = \"orders\")]`"
)]
pub trait ConfigSection: DeserializeOwned + Send + Sync + 'static {
    /// The section's name.
    const SECTION: &'static str;
}

/// A section of the configuration, read and checked before the service starts.
pub struct Config<T>(Arc<T>);

/// Keeps sections apart from states of the same type.
pub(crate) struct Section<T>(Arc<T>);

impl<T> Config<T> {
    /// A section of a value, for calling handlers directly.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Clone for Config<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Config<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Config<T> {
    /// The type's name only: configuration may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Config<{}>", short_type_name::<T>())
    }
}

impl<T: ConfigSection> FromScope for Config<T> {
    fn requires(requirements: &mut Requirements) {
        requirements.config(ConfigRequirement {
            section: T::SECTION,
            id: TypeId::of::<Section<T>>(),
            type_name: std::any::type_name::<T>(),
            load: |table| {
                let mut unknown = Vec::new();
                let read = serde_ignored::deserialize(table, |path| unknown.push(format!("unknown key `{path}`")));
                match read {
                    Ok(value) if unknown.is_empty() => Ok(Arc::new(Section::<T>(Arc::new(value)))),
                    Ok(_) => Err(unknown),
                    Err(error) => {
                        let error: toml::de::Error = error;
                        // Its `Display` also names the key; there is no source text that it could show.
                        unknown.insert(0, error.to_string().trim().replace('\n', " "));
                        Err(unknown)
                    }
                }
            },
        });
    }

    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        let section = scope.get::<Section<T>>().ok_or_else(|| missing("configuration", T::SECTION))?;
        Ok(Self(section.0.clone()))
    }
}

/// The service's shutdown signal: cancelled when it begins to drain. Handlers also end by their timeout.
impl FromScope for CancellationToken {
    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        Ok(scope.shutdown().clone())
    }
}

impl FromScope for Clock {
    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        Ok(scope.clock().clone())
    }
}

impl FromScope for Service {
    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        Ok(scope.service().clone())
    }
}

impl<T: Send + Sync + 'static> FromScope for Option<State<T>> {
    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        Ok(scope.get().map(State))
    }
}

fn missing(what: &str, name: &str) -> Failure {
    Failure::new(FailureKind::Extract, format!("the {what} `{name}` is missing")).with_class(Class::SystemFailure)
}

macro_rules! from_delivery_by_scope {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => { $(
        impl<$($generics)*> FromDelivery for $type {
            type Rejection = Failure;

            fn requires(requirements: &mut Requirements) {
                <Self as FromScope>::requires(requirements);
            }

            async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
                Self::from_scope(cx.scope())
            }
        }
    )* };
}
from_delivery_by_scope!([T: Send + Sync + 'static] State<T>, [T: ConfigSection] Config<T>, [] CancellationToken, [] Clock, [] Service);

impl<T: Send + Sync + 'static> OptionalFromDelivery for State<T> {
    async fn from_delivery_if_present(cx: &mut Context) -> Option<Self> {
        cx.scope().get().map(Self)
    }
}
