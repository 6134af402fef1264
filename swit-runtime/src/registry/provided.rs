//! What generated code of `#[provider]` calls: taking arguments, wrapping what was built, unwrapping it to close it.

use std::{any::TypeId, sync::Arc};

use crate::{classify::BoxError, outcome::Failure, scope::Shared};

/// What a provider may return: a `Result` whose value can be shared and whose error converts into a boxed one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a provider",
    label = "not a `Result` of something that can be shared",
    note = "return `Result<T, E>`, where `T: Send + Sync + 'static` and `E` converts into `Box<dyn std::error::Error + Send + Sync>`; a provider that cannot fail returns `Result<T, std::convert::Infallible>`"
)]
pub trait Provided {
    /// The state that it builds.
    type Value: Send + Sync + 'static;

    /// That type.
    fn type_id() -> TypeId {
        TypeId::of::<Self::Value>()
    }

    /// That type's name.
    fn type_name() -> &'static str {
        std::any::type_name::<Self::Value>()
    }

    /// The value to share.
    ///
    /// # Errors
    /// The provider's own.
    fn share(self) -> Result<Shared, BoxError>;
}

impl<T: Send + Sync + 'static, E: Into<BoxError>> Provided for Result<T, E> {
    type Value = T;

    fn share(self) -> Result<Shared, BoxError> {
        match self {
            Ok(value) => Ok(Arc::new(value)),
            Err(error) => Err(error.into()),
        }
    }
}

/// The error of a provider whose argument is not there.
#[cold]
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
pub fn provider_failure(failure: Failure) -> BoxError {
    failure.text().into()
}

/// The shared value, as the type that its provider built.
///
/// # Errors
/// It is of another type.
pub fn provider_value<T: Send + Sync + 'static>(shared: Shared) -> Result<Arc<T>, BoxError> {
    shared.downcast().map_err(|_| format!("the state is not a `{}`", std::any::type_name::<T>()).into())
}
