//! [`MokaCache`]: a cache in this process, bounded, by the crate `moka`. Feature `cache`.

use std::{fmt, time::Duration};

use bytes::Bytes;
use moka::{Expiry, future::Cache as Store};
use tokio::time::Instant;

use super::Cache;
use crate::{classify::BoxError, transport::BoxFuture};

/// A cache in this process. What is used least is forgotten first where there is no room.
///
/// Other instances of the service do not see it, and it is empty after a restart.
#[derive(Clone)]
pub struct MokaCache(Store<String, Entry>);

#[derive(Clone)]
struct Entry {
    value: Bytes,
    ttl: Duration,
    /// By the runtime's clock, which tests pause; the store's own, by which it makes room, can't be.
    until: Option<Instant>,
}

impl MokaCache {
    /// A cache of at most this many entries.
    pub fn new(entries: u64) -> Self {
        Self(Store::builder().max_capacity(entries).expire_after(ByEntry).build())
    }
}

struct ByEntry;

impl Expiry<String, Entry> for ByEntry {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: std::time::Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Entry,
        _: std::time::Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl Cache for MokaCache {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, BoxError>> {
        Box::pin(async move {
            let entry = self.0.get(key).await;
            let fresh = entry.filter(|entry| entry.until.is_none_or(|until| Instant::now() < until));
            Ok(fresh.map(|entry| entry.value))
        })
    }

    fn set<'a>(&'a self, key: &'a str, value: Bytes, ttl: Duration) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            let until = Instant::now().checked_add(ttl);
            self.0.insert(key.to_owned(), Entry { value, ttl, until }).await;
            Ok(())
        })
    }
}

impl fmt::Debug for MokaCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MokaCache").field("entries", &self.0.entry_count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_entry_has_its_own_time() {
        let cache = MokaCache::new(10);
        cache.set("short", Bytes::from_static(b"1"), Duration::from_secs(10)).await.unwrap();
        cache.set("long", Bytes::from_static(b"2"), Duration::from_mins(1)).await.unwrap();
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(cache.get("short").await.unwrap(), None);
        assert_eq!(cache.get("long").await.unwrap().as_deref(), Some(&b"2"[..]));
        cache.set("short", Bytes::from_static(b"3"), Duration::from_secs(10)).await.unwrap();
        assert_eq!(cache.get("short").await.unwrap().as_deref(), Some(&b"3"[..]), "set again, it is there again");
    }

    /// By the store's own clock, which no test can pause.
    #[tokio::test]
    async fn what_is_over_takes_no_room() {
        let cache = MokaCache::new(10);
        cache.set("over", Bytes::new(), Duration::from_millis(1)).await.unwrap();
        cache.set("over", Bytes::new(), Duration::from_millis(2)).await.unwrap();
        cache.set("kept", Bytes::new(), Duration::from_mins(10)).await.unwrap();
        let mut looks = 0;
        while cache.0.entry_count() != 1 && looks < 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            cache.0.run_pending_tasks().await;
            looks += 1;
        }
        assert_eq!(cache.0.entry_count(), 1);
        assert!(cache.get("kept").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn it_holds_no_more_than_it_may() {
        let cache = MokaCache::new(10);
        for n in 0..1_000 {
            cache.set(&n.to_string(), Bytes::new(), Duration::from_mins(1)).await.unwrap();
        }
        cache.0.run_pending_tasks().await;
        assert!(cache.0.entry_count() <= 10, "{}", cache.0.entry_count());
    }
}
