//! Middleware that comes with swit. Each is a small struct that implements [`Middleware`](crate::middleware::Middleware), as
//! those that users write; none knows of another.
//!
//! - [`Authentication`]: a valid token, or the dead-letter queue. `JwtValidator` checks JSON Web Tokens (feature `jwt`).
//! - [`Deduplication`]: a message that was done with is not handled again, by a [`Cache`]. `MokaCache` is one in this
//!   process (feature `cache`).
//! - [`Validation`]: a function over the raw message.
//! - [`Correlation`]: one correlation id from whatever came in to all that goes out.
//!
//! Around every subscriber: `App::middleware("authenticate", 10, Authentication::bearer(validator))`. Around one: a function
//! with `#[middleware(global = false)]` that hands on to it. `docs/middleware.md` shows both.

#[cfg(feature = "json")]
mod authentication;
mod cache;
mod cache_participant;
#[cfg(feature = "json")]
mod claims;
mod correlation;
mod deduplication;
#[cfg(feature = "jwt")]
mod jwt;
#[cfg(feature = "cache")]
mod moka;
mod validation;

#[cfg(feature = "cache")]
pub use self::moka::MokaCache;
#[cfg(feature = "json")]
pub use authentication::{Authentication, TokenError, TokenValidator, UNAUTHORIZED};
pub use cache::Cache;
pub use cache_participant::{CachePart, CacheParticipant};
#[cfg(feature = "json")]
pub use claims::Claims;
pub use correlation::{Correlation, CorrelationId};
pub use deduplication::Deduplication;
#[cfg(feature = "jwt")]
pub use jwt::{JwtValidator, KeyError};
pub use validation::Validation;
