//! A cache as a participant in two-phase commit: what is written is kept in the log's database until the decision, and
//! written into the cache then.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::Cache;
use crate::{
    classify::BoxError,
    clock::Clock,
    store::{Database, Store},
    transport::BoxFuture,
    two_phase::{Open, Opens, TransactionId, TransactionParticipant},
};

/// A cache, as a participant. A cache locks nothing: between the decision and the write whoever reads it sees what was there
/// before, and a write that recovery makes late replaces what others wrote meanwhile. Give values a short life.
#[derive(Clone)]
pub struct CacheParticipant {
    name: Arc<str>,
    cache: Arc<dyn Cache>,
    store: Arc<dyn Store>,
    clock: Clock,
}

impl CacheParticipant {
    /// This cache, as a participant of this name. What it is to write lies in this database until the decision: that of the
    /// coordinator.
    pub fn new(name: &str, cache: impl Cache, database: &Database) -> Self {
        let clock = database.scope().clock().clone();
        Self { name: name.into(), cache: Arc::new(cache), store: database.store().clone(), clock }
    }
}

/// What is to be written into a cache once the transaction is committed.
pub struct CachePart {
    writes: Vec<Write>,
    clock: Clock,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Write {
    key: String,
    value: Bytes,
    until: SystemTime,
}

impl CachePart {
    /// Keeps a value for this long from now, in place of what was there, once the transaction is committed.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Bytes>, ttl: Duration) {
        let until = self.clock.now() + ttl.min(LONGEST);
        self.writes.push(Write { key: key.into(), value: value.into(), until });
    }
}

/// A hundred years: what is kept longer is kept so long.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

impl TransactionParticipant for CacheParticipant {
    fn name(&self) -> &str {
        &self.name
    }

    fn begin<'a>(&'a self, _: &'a TransactionId) -> BoxFuture<'a, Result<Open, BoxError>> {
        let part = CachePart { writes: Vec::new(), clock: self.clock.clone() };
        Box::pin(async move { Ok(Box::new(part) as Open) })
    }

    fn prepare<'a>(&'a self, id: &'a TransactionId, open: Open) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            let part = open.downcast::<CachePart>().map_err(|_| "what is open is not its own")?;
            if !part.writes.is_empty() {
                self.store.decisions().note(id.id(), &self.name, written(&part.writes)).await?;
            }
            Ok(())
        })
    }

    fn commit<'a>(&'a self, id: &'a TransactionId) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            let Some(note) = self.store.decisions().noted(id.id(), &self.name).await? else { return Ok(()) };
            let writes = read(note).ok_or("the note of what is to be written can't be read")?;
            let now = self.clock.now();
            for Write { key, value, until } in writes {
                // One whose time is over is written all the same, for a moment: what was there before is older still.
                let ttl = until.duration_since(now).unwrap_or_default().max(Duration::from_millis(1));
                self.cache.set(&key, value, ttl).await?;
            }
            Ok(())
        })
    }

    /// The note goes with the transaction's entry.
    fn rollback<'a>(&'a self, _: &'a TransactionId, open: Option<Open>) -> BoxFuture<'a, Result<(), BoxError>> {
        drop(open);
        Box::pin(async { Ok(()) })
    }
}

impl Opens for CacheParticipant {
    type Part = CachePart;
}

/// Writes as bytes: of each the key, the time in milliseconds since 1970, and the value.
fn written(writes: &[Write]) -> Bytes {
    let mut bytes = BytesMut::new();
    for Write { key, value, until } in writes {
        let millis = until.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        bytes.put_u64(key.len() as u64);
        bytes.put_slice(key.as_bytes());
        bytes.put_u64(u64::try_from(millis).unwrap_or(u64::MAX));
        bytes.put_u64(value.len() as u64);
        bytes.put_slice(value);
    }
    bytes.freeze()
}

/// Writes from bytes; `None`: they are something else.
fn read(mut bytes: Bytes) -> Option<Vec<Write>> {
    let mut writes = Vec::new();
    while bytes.has_remaining() {
        let key = take(&mut bytes)?;
        let key = String::from_utf8(key.to_vec()).ok()?;
        let until = UNIX_EPOCH.checked_add(Duration::from_millis(bytes.try_get_u64().ok()?))?;
        writes.push(Write { key, value: take(&mut bytes)?, until });
    }
    Some(writes)
}

fn take(bytes: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(bytes.try_get_u64().ok()?).ok()?;
    (length <= bytes.len()).then(|| bytes.split_to(length))
}

impl fmt::Debug for CacheParticipant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheParticipant").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for CachePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachePart").field("writes", &self.writes.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else_is() {
        let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        let writes = vec![
            Write { key: "ä".into(), value: Bytes::from_static(&[0, 255]), until: at(7) },
            Write { key: String::new(), value: Bytes::new(), until: at(0) },
        ];
        let bytes = written(&writes);
        assert_eq!(read(bytes.clone()), Some(writes));
        assert_eq!(read(Bytes::new()), Some(vec![]));
        for length in 1..bytes.len() {
            let part = read(bytes.slice(..length));
            assert!(part.is_none() || length == bytes.len() - 24, "{length}: {part:?}");
        }
        assert_eq!(read(Bytes::from_static(&[255; 40])), None);
    }
}
