//! A cache: what is known for a while.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{classify::BoxError, transport::BoxFuture};

/// Keeps values under keys for a while, in this process or in a server that several share.
///
/// It may forget early.
pub trait Cache: Send + Sync + 'static {
    /// The value, if it is still known.
    ///
    /// # Errors
    /// The cache could not be asked. Whoever asks takes that for a miss.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, BoxError>>;

    /// Keeps a value for this long, in place of what was there.
    ///
    /// # Errors
    /// It could not be kept, which is a warning and no failure.
    fn set<'a>(&'a self, key: &'a str, value: Bytes, ttl: Duration) -> BoxFuture<'a, Result<(), BoxError>>;
}

impl<C: Cache + ?Sized> Cache for Arc<C> {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, BoxError>> {
        (**self).get(key)
    }

    fn set<'a>(&'a self, key: &'a str, value: Bytes, ttl: Duration) -> BoxFuture<'a, Result<(), BoxError>> {
        (**self).set(key, value, ttl)
    }
}
