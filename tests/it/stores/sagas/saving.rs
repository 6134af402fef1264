//! An instance is started once, and saved over what was read.

use std::time::Duration;

use swit::{
    store::{Instance, SagaState, SagaWish, Saved, Store, StoreError},
    stores::MemoryStore,
};
use swit_testbed::folder::Folder;

use super::{
    super::{at, on_postgres, on_sqlite, publication},
    instance, load, saved, start,
};

async fn an_instance_is_started_once_it_is_committed(store: &dyn Store) {
    let mut full = instance("order", "1");
    full.waits = Some("pay".into());
    full.due = Some(at(77));
    full.parked = Some("broken".into());
    full.owner = "one".into();
    full.state = SagaState::Running;
    let mut work = store.begin().await.unwrap();
    assert!(work.start_saga(&full).await.unwrap());
    drop(work);
    assert_eq!(store.sagas().load("order", "1").await.unwrap(), None, "it was not committed");
    let mut work = store.begin().await.unwrap();
    let wished = Instance { wish: Some(SagaWish::Cancel), ..full.clone() };
    assert!(work.start_saga(&wished).await.unwrap());
    assert!(!work.start_saga(&full).await.unwrap(), "its own");
    assert!(work.start_saga(&instance("payment", "1")).await.unwrap(), "another saga");
    work.commit().await.unwrap();
    assert_eq!(load(store, "order", "1").await, full, "as it was started, but for what only others wish");
    let mut work = store.begin().await.unwrap();
    assert!(!work.start_saga(&instance("order", "1")).await.unwrap());
    work.commit().await.unwrap();
    assert_eq!(load(store, "order", "1").await, full);
}

async fn starting_waits_for_what_becomes_of_another(store: &dyn Store) {
    for commits in [false, true] {
        let mut first = store.begin().await.unwrap();
        assert!(first.start_saga(&instance("order", "1")).await.unwrap());
        let second = async {
            let mut work = store.begin().await.unwrap();
            work.start_saga(&instance("order", "1")).await.unwrap()
        };
        tokio::pin!(second);
        let waits = tokio::time::timeout(Duration::from_millis(100), &mut second).await;
        assert!(waits.is_err(), "it did not wait: {waits:?}");
        if commits {
            first.commit().await.unwrap();
        } else {
            drop(first);
        }
        let started = tokio::time::timeout(Duration::from_secs(10), second).await.unwrap();
        assert_eq!(started, !commits);
    }
}

async fn what_is_saved_is_saved_over_what_was_read(store: &dyn Store) {
    let first = instance("order", "1");
    start(store, std::slice::from_ref(&first)).await;
    let sagas = store.sagas();
    assert_eq!(sagas.wish("order", "1", SagaWish::Compensate, at(2)).await.unwrap(), Some(SagaState::Pending));
    let next = Instance {
        // Not these.
        id: "other".into(),
        opening: "other".into(),
        started_at: at(9),
        updated_at: at(9),
        // These.
        version: 4,
        state: SagaState::Running,
        owner: "one".into(),
        due: Some(at(30)),
        parked: Some("why".into()),
        journal: "[\"ü\"]".into(),
        ..first.clone()
    };
    assert_eq!(sagas.save(&next, "two", at(5)).await.unwrap(), Saved::Lost, "it was nobody's, not two's");
    let wish = Some(SagaWish::Compensate);
    assert_eq!(sagas.save(&next, "", at(5)).await.unwrap(), Saved::Yes { wish, mail: false });
    assert_eq!(sagas.save(&next, "one", at(6)).await.unwrap(), Saved::Lost, "it is a revision further");
    let Instance { id, opening, started_at, .. } = first.clone();
    let expected = Instance { id, opening, started_at, wish, revision: 1, updated_at: at(5), ..next };
    assert_eq!(load(store, "order", "1").await, expected);
    // And back to nothing.
    let free = Instance { revision: 1, wish: None, ..first };
    assert_eq!(sagas.save(&free, "", at(7)).await.unwrap(), Saved::Lost, "it is one's");
    assert_eq!(sagas.save(&free, "one", at(7)).await.unwrap(), Saved::Yes { wish, mail: false });
    assert_eq!(
        load(store, "order", "1").await,
        Instance { revision: 2, wish, due: Some(at(0)), updated_at: at(7), ..free }
    );
    assert_eq!(sagas.save(&instance("order", "2"), "", at(7)).await.unwrap(), Saved::Lost, "there is none");
}

async fn a_transaction_saves_with_all_else_or_not_at_all(store: &dyn Store) {
    let first = instance("order", "1");
    start(store, std::slice::from_ref(&first)).await;
    let running = Instance { state: SagaState::Running, journal: "[1]".into(), ..first.clone() };
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.save_saga(&running, "", at(5)).await.unwrap(), saved());
    drop(work);
    assert_eq!(load(store, "order", "1").await, first);
    // Twice in one, and one that is started and saved.
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.save_saga(&running, "", at(5)).await.unwrap(), saved());
    assert_eq!(work.save_saga(&running, "", at(5)).await.unwrap(), Saved::Lost);
    let again = Instance { revision: 1, journal: "[1,2]".into(), owner: "one".into(), ..running.clone() };
    assert_eq!(work.save_saga(&again, "", at(6)).await.unwrap(), saved());
    let other = instance("order", "2");
    assert!(work.start_saga(&other).await.unwrap());
    let ended = Instance { state: SagaState::Completed, opening: "other".into(), ..other.clone() };
    assert_eq!(work.save_saga(&ended, "", at(6)).await.unwrap(), saved());
    assert_eq!(work.save_saga(&instance("order", "3"), "", at(6)).await.unwrap(), Saved::Lost, "there is none");
    work.commit().await.unwrap();
    assert_eq!(load(store, "order", "1").await, Instance { revision: 2, updated_at: at(6), ..again });
    let opening = other.opening.clone();
    assert_eq!(load(store, "order", "2").await, Instance { revision: 1, updated_at: at(6), opening, ..ended });
    assert_eq!(store.sagas().forget_finished(at(7), 9).await.unwrap(), 1);
}

owed!(
    an_instance_is_started_once_it_is_committed,
    starting_waits_for_what_becomes_of_another,
    what_is_saved_is_saved_over_what_was_read,
    a_transaction_saves_with_all_else_or_not_at_all,
);

/// In memory a transaction locks nothing: what it relied on is looked at again when it is committed.
#[tokio::test]
async fn a_transaction_in_memory_that_lost_an_instance_leaves_nothing() {
    let store = MemoryStore::new();
    start(&store, &[instance("order", "1")]).await;
    let mut work = store.begin().await.unwrap();
    work.claim("a", "1", at(1)).await.unwrap();
    work.enlist(&[publication(None, "1")], at(1)).await.unwrap();
    assert!(work.start_saga(&instance("order", "2")).await.unwrap());
    assert_eq!(work.save_saga(&instance("order", "1"), "", at(2)).await.unwrap(), saved());
    assert_eq!(store.sagas().save(&instance("order", "1"), "", at(3)).await.unwrap(), saved());
    let error = work.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
    assert_eq!(store.result("a", "1").await.unwrap(), None);
    assert_eq!(store.outbox().depth().await.unwrap().pending, 0);
    assert_eq!(load(&store, "order", "1").await.updated_at, at(3));
    start(&store, &[instance("order", "2")]).await;
}
