//! Deduplication: a message that was done with is acknowledged when it comes again, and its handler does not see it.
//!
//! Guarantee: a message is marked only after its handler succeeded and all that it returned was confirmed, so that a retry is
//! never taken for a duplicate and no publication is lost to one. What the handler returned the first time is not published
//! again.
//!
//! It spares work; it does not promise effects once. Two deliveries of one message that are handled at the same moment both
//! are, a process that dies between the confirmation and the mark leaves none, and a cache may forget.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Cache;
use crate::{
    classify::BoxError,
    context::Context,
    message::Message,
    middleware::{Middleware, Next},
    outcome::{Outcome, one_line},
    said::{ShownId, about},
    transport::BoxFuture,
};

/// How long a mark is kept if nothing is said.
const TTL: Duration = Duration::from_hours(24);

/// How long the cache may take. It is there to save time.
const PATIENCE: Duration = Duration::from_secs(1);

/// Middleware that acknowledges what this subscriber has done with before.
///
/// ```ignore
/// App::new().middleware("deduplicate", 20, Deduplication::new(MokaCache::new(100_000)).ttl(Duration::from_secs(3600)))
/// ```
#[derive(Clone)]
pub struct Deduplication {
    cache: Arc<dyn Cache>,
    ttl: Duration,
    duplicates: Arc<AtomicU64>,
}

impl Deduplication {
    /// By this cache. Marks are kept for a day.
    pub fn new(cache: impl Cache) -> Self {
        Self { cache: Arc::new(cache), ttl: TTL, duplicates: Arc::default() }
    }

    /// Keeps marks for this long.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// How many duplicates were acknowledged, by this one and its clones.
    pub fn duplicates(&self) -> u64 {
        self.duplicates.load(Ordering::Relaxed)
    }

    async fn knows(&self, key: &str, cx: &Context) -> bool {
        match in_time(self.cache.get(key)).await {
            Ok(known) => known.is_some(),
            Err(error) => {
                about!(
                    warn,
                    cx.message(),
                    trace = cx.scope().trace_of(cx.message()),
                    { subscriber = %cx.receiver().subscriber, attempt = cx.attempt(), error = %one_line(&*error) },
                    "the cache could not be asked; the message is handled"
                );
                false
            }
        }
    }
}

impl Middleware for Deduplication {
    fn handle<'a>(&'a self, cx: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if cx.message().id.is_empty() {
                // Nobody can say that it came before.
                return next.run(cx).await;
            }
            let key = key(&cx.receiver().group, &cx.receiver().subscriber, cx.message());
            if self.knows(&key, cx).await {
                self.duplicates.fetch_add(1, Ordering::Relaxed);
                let (subscriber, id) = (&cx.receiver().subscriber, &cx.message().id);
                tracing::debug!(%subscriber, message_id = %ShownId(id), "a duplicate of what was done with; acknowledged");
                return Outcome::Success;
            }
            let outcome = next.run(&mut *cx).await;
            if outcome.is_success() {
                // Not now: what the handler returned is not confirmed yet.
                let (cache, ttl, id) = (self.cache.clone(), self.ttl, cx.message().id.clone());
                cx.on_confirmed(async move {
                    if let Err(error) = in_time(cache.set(&key, Bytes::from_static(b"1"), ttl)).await {
                        tracing::warn!(message_id = %ShownId(&id), error = %one_line(&*error), "a message could not be marked as done with");
                    }
                });
            }
            outcome
        })
    }
}

impl fmt::Debug for Deduplication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deduplication").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

async fn in_time<T>(asked: BoxFuture<'_, Result<T, BoxError>>) -> Result<T, BoxError> {
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err("it did not answer within 1s".into()))
}

/// `msg:` and the SHA-256 of who handles the message, its id and its body. Each part comes with its length, so that no
/// two messages run together; the subscriber is part of it, or two of one event would take each other's work for theirs.
fn key(group: &str, subscriber: &str, message: &Message) -> String {
    let id = message.id.to_string();
    let mut hash = Sha256::new();
    for part in [group.as_bytes(), subscriber.as_bytes(), id.as_bytes(), &message.payload] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut key = String::with_capacity(4 + 64);
    key.push_str("msg:");
    for byte in hash.finalize() {
        for digit in [byte >> 4, byte & 15] {
            key.push(char::from_digit(u32::from(digit), 16).unwrap_or_default());
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::MessageId;

    fn of(group: &str, subscriber: &str, id: &str, body: &'static str) -> String {
        key(group, subscriber, &Message::new("t", body).with_id(MessageId::parse(id).unwrap()))
    }

    #[test]
    fn a_key_is_of_one_message_of_one_subscriber() {
        let first = of("g", "a", "1", "x");
        assert_eq!(first, of("g", "a", "1", "x"));
        assert!(first.starts_with("msg:") && first.len() == 68, "{first}");
        for other in [of("h", "a", "1", "x"), of("g", "b", "1", "x"), of("g", "a", "2", "x"), of("g", "a", "1", "y")] {
            assert_ne!(first, other);
        }
        assert_ne!(of("g", "a", "12", "3"), of("g", "a", "1", "23"), "parts do not run together");
    }
}
