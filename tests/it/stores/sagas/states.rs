//! States of choreographed sagas: written over the version that was read, and no other.

use bytes::Bytes;
use swit::{
    store::{Store, StoreError},
    stores::MemoryStore,
};
use swit_testbed::folder::Folder;

use super::super::{at, on_postgres, on_sqlite};

async fn set(store: &dyn Store, key: &str, version: Option<i64>, body: Option<&str>) -> bool {
    let mut work = store.begin().await.unwrap();
    let body = body.map(|body| Bytes::copy_from_slice(body.as_bytes()));
    let is_set = work.set_state("trip", key, version, body, at(5)).await.unwrap();
    work.commit().await.unwrap();
    is_set
}

async fn a_state_is_written_over_the_version_that_was_read(store: &dyn Store) {
    let state = async || store.sagas().state("trip", "1").await.unwrap();
    let is = |version, body: &'static str| Some((version, Bytes::from_static(body.as_bytes())));
    assert_eq!(state().await, None);
    assert!(!set(store, "1", Some(0), Some("a")).await, "there is none");
    assert!(!set(store, "1", Some(1), None).await, "there is none");
    assert!(set(store, "1", None, None).await, "and none is wanted");
    assert!(set(store, "1", None, Some("a")).await);
    assert_eq!(state().await, is(1, "a"));
    assert!(!set(store, "1", None, Some("b")).await);
    assert!(!set(store, "1", None, None).await);
    assert!(set(store, "1", Some(1), Some("b")).await);
    assert!(!set(store, "1", Some(1), Some("c")).await);
    assert!(!set(store, "1", Some(1), None).await);
    assert_eq!(state().await, is(2, "b"));
    assert_eq!(store.sagas().state("trip", "2").await.unwrap(), None);
    assert_eq!(store.sagas().state("other", "1").await.unwrap(), None);
    assert!(set(store, "1", Some(2), None).await);
    assert_eq!(state().await, None);
    assert!(set(store, "1", None, Some("")).await, "one that is empty is one");
    assert_eq!(state().await, is(1, ""));
}

async fn a_transaction_sees_the_states_that_it_wrote(store: &dyn Store) {
    for commits in [false, true] {
        let mut work = store.begin().await.unwrap();
        assert_eq!(work.state("trip", "1").await.unwrap(), None);
        assert!(work.set_state("trip", "1", None, Some("a".into()), at(5)).await.unwrap());
        assert!(!work.set_state("trip", "1", None, Some("b".into()), at(5)).await.unwrap());
        assert_eq!(work.state("trip", "1").await.unwrap(), Some((1, "a".into())));
        assert!(work.set_state("trip", "1", Some(1), Some("b".into()), at(5)).await.unwrap());
        assert_eq!(work.state("trip", "1").await.unwrap(), Some((2, "b".into())));
        assert!(work.set_state("trip", "1", Some(2), None, at(5)).await.unwrap());
        assert_eq!(work.state("trip", "1").await.unwrap(), None);
        assert!(work.set_state("trip", "1", None, Some("c".into()), at(5)).await.unwrap());
        assert_eq!(store.sagas().state("trip", "1").await.unwrap(), None, "not yet");
        if commits {
            work.commit().await.unwrap();
            assert_eq!(store.sagas().state("trip", "1").await.unwrap(), Some((1, "c".into())));
        } else {
            drop(work);
            assert_eq!(store.sagas().state("trip", "1").await.unwrap(), None);
        }
    }
}

owed!(a_state_is_written_over_the_version_that_was_read, a_transaction_sees_the_states_that_it_wrote);

#[tokio::test]
async fn a_transaction_in_memory_that_lost_a_state_leaves_nothing() {
    let store = MemoryStore::new();
    let mut work = store.begin().await.unwrap();
    assert!(work.set_state("trip", "1", None, Some("late".into()), at(5)).await.unwrap());
    assert!(work.set_state("trip", "2", None, Some("late".into()), at(5)).await.unwrap());
    assert!(set(&store, "1", None, Some("early")).await);
    let error = work.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
    assert_eq!(store.sagas().state("trip", "1").await.unwrap(), Some((1, "early".into())));
    assert_eq!(store.sagas().state("trip", "2").await.unwrap(), None);
}
