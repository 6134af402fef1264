//! Several at once, on several threads.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use swit::{
    Message, Text,
    store::{Delivered, Instance, SagaState, SagaWish, Saved, Store, StoreError},
    stores::MemoryStore,
};
use swit_testbed::folder::Folder;
use tokio::task::JoinSet;

use super::{
    super::{at, on_postgres, on_sqlite},
    instance, load, start,
};

type Shared = Arc<dyn Store>;

/// Does something until no other transaction is in the way.
macro_rules! again {
    ($attempt:expr) => {
        loop {
            match $attempt.await {
                Ok(done) => break done,
                Err(StoreError::Conflict { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error:?}"),
            }
        }
    };
}

async fn starts(store: &dyn Store, key: &str) -> Result<bool, StoreError> {
    let mut work = store.begin().await?;
    let started = work.start_saga(&instance("order", key)).await?;
    work.commit().await?;
    Ok(started)
}

async fn saves(store: &dyn Store, instance: &Instance, owner: &str) -> Result<Saved, StoreError> {
    let mut work = store.begin().await?;
    let saved = work.save_saga(instance, owner, at(60)).await?;
    if saved == (Saved::Yes { wish: None, mail: true }) {
        let again = Instance { revision: instance.revision + 1, due: Some(at(60)), ..instance.clone() };
        work.save_saga(&again, &instance.owner, at(60)).await?;
    }
    work.commit().await?;
    Ok(saved)
}

async fn brings(store: &dyn Store, key: &str) -> Result<Delivered, StoreError> {
    let mut work = store.begin().await?;
    let message = Message::new("payment.done", "");
    let delivered = work.deliver_to_saga("order", key, "pay", &message, at(60)).await?;
    work.commit().await?;
    Ok(delivered)
}

async fn of_several_one_starts(store: Shared) {
    for round in 0..10 {
        let mut all = JoinSet::new();
        for _ in 0..6 {
            let (store, key) = (store.clone(), round.to_string());
            all.spawn(async move { again!(starts(&*store, &key)) });
        }
        assert_eq!(all.join_all().await.into_iter().filter(|started| *started).count(), 1);
    }
}

async fn of_several_one_saves(store: Shared) {
    for round in 0..10 {
        let read = instance("order", &round.to_string());
        start(&*store, std::slice::from_ref(&read)).await;
        let mut all = JoinSet::new();
        for number in 0..6 {
            let (store, read) = (store.clone(), Instance { journal: format!("[{number}]").into(), ..read.clone() });
            all.spawn(async move {
                if number % 2 == 0 {
                    again!(store.sagas().save(&read, "", at(5)))
                } else {
                    again!(saves(&*store, &read, ""))
                }
            });
        }
        assert_eq!(all.join_all().await.into_iter().filter(|saved| *saved != Saved::Lost).count(), 1);
        assert_eq!(load(&*store, "order", &read.key).await.revision, 1);
    }
}

async fn of_several_each_claims_others(store: Shared) {
    let due = (0..200_u64).map(|number| Instance { due: Some(at(number)), ..instance("order", &number.to_string()) });
    start(&*store, &due.collect::<Vec<_>>()).await;
    let mut all = JoinSet::new();
    for number in 0..4 {
        let store = store.clone();
        all.spawn(async move {
            let (member, mut claimed) = (format!("member {number}"), Vec::new());
            loop {
                let some = again!(store.sagas().claim(&member, &["order".into()], at(999), 7));
                // Rows that others hold are passed by: nothing is nothing only once there is nothing.
                if some.is_empty() && store.sagas().next_due(&["order".into()]).await.unwrap().is_none() {
                    return claimed;
                }
                assert!(some.len() <= 7 && some.iter().all(|instance| instance.owner == *member));
                claimed.extend(some.into_iter().map(|instance| instance.key));
            }
        });
    }
    let claimed: Vec<Text> = all.join_all().await.into_iter().flatten().collect();
    assert_eq!((claimed.len(), claimed.into_iter().collect::<BTreeSet<_>>().len()), (200, 200));
}

/// However an event and the step that waits for it cross: the one finds the other.
async fn an_event_and_a_wait_do_not_miss_each_other(store: Shared) {
    for round in 0..40 {
        let key = round.to_string();
        start(&*store, &[Instance { owner: "one".into(), ..instance("order", &key) }]).await;
        let waits = Instance { waits: Some("pay".into()), ..instance("order", &key) };
        let (store, is_alone) = (store.clone(), round % 2 == 0);
        let first = {
            let store = store.clone();
            tokio::spawn(async move {
                if is_alone {
                    again!(store.sagas().save(&waits, "one", at(60)))
                } else {
                    again!(saves(&*store, &waits, "one"))
                }
            })
        };
        let second = {
            let (store, key) = (store.clone(), key.clone());
            tokio::spawn(async move { again!(brings(&*store, &key)) })
        };
        let (saved, delivered) = (first.await.unwrap(), second.await.unwrap());
        assert!(matches!(saved, Saved::Yes { .. }), "{saved:?}");
        assert!(matches!(delivered, Delivered::Kept | Delivered::Awaited), "{delivered:?}");
        let due = load(&*store, "order", &key).await.due;
        assert_eq!(due, Some(at(60)), "round {round}: {saved:?}, {delivered:?}");
    }
}

/// A wish is either seen by whoever saves, or has the instance be due.
async fn a_wish_is_not_missed(store: Shared) {
    for round in 0..40 {
        let key = round.to_string();
        start(&*store, &[Instance { owner: "one".into(), ..instance("order", &key) }]).await;
        let rests = Instance { due: Some(at(900)), ..instance("order", &key) };
        let first = {
            let store = store.clone();
            tokio::spawn(async move { store.sagas().save(&rests, "one", at(60)).await.unwrap() })
        };
        let second = {
            let (store, key) = (store.clone(), key.clone());
            tokio::spawn(async move { store.sagas().wish("order", &key, SagaWish::Cancel, at(60)).await.unwrap() })
        };
        let (saved, wished) = (first.await.unwrap(), second.await.unwrap());
        assert_eq!(wished, Some(SagaState::Pending));
        let row = load(&*store, "order", &key).await;
        assert_eq!(row.wish, Some(SagaWish::Cancel));
        let is_told = saved == Saved::Yes { wish: row.wish, mail: false };
        assert!(is_told || row.due == Some(at(60)), "round {round}: {saved:?}, {row:?}");
    }
}

async fn of_several_that_write_a_state_none_is_forgotten(store: Shared) {
    let mut all = JoinSet::new();
    for _ in 0..4 {
        let store = store.clone();
        all.spawn(async move {
            for _ in 0..10 {
                while !again!(add_one(&*store)) {}
            }
        });
    }
    all.join_all().await;
    assert_eq!(store.sagas().state("trip", "1").await.unwrap(), Some((40, "40".into())));
}

/// Says whether it was the one who wrote.
async fn add_one(store: &dyn Store) -> Result<bool, StoreError> {
    let mut work = store.begin().await?;
    let read = work.state("trip", "1").await?;
    let number = |body: &Bytes| std::str::from_utf8(body).unwrap().parse::<u64>().unwrap();
    let next = read.as_ref().map_or(0, |(_, body)| number(body)) + 1;
    let version = read.map(|(version, _)| version);
    let is_set = work.set_state("trip", "1", version, Some(next.to_string().into()), at(5)).await?;
    work.commit().await?;
    Ok(is_set)
}

macro_rules! owed_at_once {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name(std::sync::Arc::new(super::MemoryStore::new())).await;
            })*
        }

        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let folder = super::Folder::temporary("sqlite");
                super::$name(std::sync::Arc::new(super::on_sqlite(&folder).await)).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name(std::sync::Arc::new(super::on_postgres().await)).await;
            })*
        }
    };
}

owed_at_once!(
    of_several_one_starts,
    of_several_one_saves,
    of_several_each_claims_others,
    an_event_and_a_wait_do_not_miss_each_other,
    a_wish_is_not_missed,
    of_several_that_write_a_state_none_is_forgotten,
);
