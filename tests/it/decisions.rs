//! What every store owes of the log of decisions, held to on each: memory, SQLite and PostgreSQL.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use swit::{
    Message, MessageId, StoreError, Unrouted,
    store::{Decision, Enlisted, Enrolled, Entry, Look, Store},
    stores::MemoryStore,
};
use swit_testbed::folder::Folder;

use crate::stores::{on_postgres, on_sqlite};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn entry(id: &str) -> Entry {
    let participants = ["orders", "messages"].map(|name| Enrolled { name: name.into(), done: false });
    Entry {
        id: id.into(),
        coordinator: "shop".into(),
        begun: at(1),
        deadline: at(31),
        decision: None,
        participants: participants.into(),
    }
}

fn publication(id: &str) -> Enlisted {
    let message = Message::new("order.created", "payload").with_id(MessageId::parse(id).unwrap());
    Enlisted { message, transport: "default".into(), unrouted: Unrouted::Warn, due: None }
}

async fn ids(store: &dyn Store) -> Vec<String> {
    let all: Vec<u16> = (0..16).collect();
    let rows = store.outbox().pending("default", &all, Look::first(100)).await.unwrap();
    rows.into_iter().map(|row| row.publication.unwrap().message.id.to_string()).collect()
}

async fn it_is_decided_once_and_forgotten_when_it_is_over(store: &dyn Store) {
    let log = store.decisions();
    assert_eq!(log.find("1").await.unwrap(), None);
    log.enter(&entry("1")).await.unwrap();
    log.enter(&entry("2")).await.unwrap();
    log.enter(&entry("1")).await.unwrap_err();
    assert_eq!(log.find("1").await.unwrap(), Some(entry("1")), "all of it comes back");
    assert_eq!(log.decide("1", Decision::Committed).await.unwrap(), Decision::Committed);
    assert_eq!(log.decide("1", Decision::Aborted).await.unwrap(), Decision::Committed, "it was decided");
    assert_eq!(log.decide("2", Decision::Aborted).await.unwrap(), Decision::Aborted);
    assert_eq!(log.decide("2", Decision::Committed).await.unwrap(), Decision::Aborted, "it was decided");
    assert_eq!(log.decide("3", Decision::Committed).await.unwrap(), Decision::Aborted, "what nobody knows is aborted");
    assert_eq!(log.find("3").await.unwrap(), None, "asking is not beginning");
    log.done("1", "messages").await.unwrap();
    let found = log.find("1").await.unwrap().unwrap();
    assert_eq!(found.decision, Some(Decision::Committed));
    assert_eq!(found.participants.iter().map(|p| p.done).collect::<Vec<_>>(), [false, true]);
    let unfinished = async |behind: &str, limit| {
        let entries = log.unfinished(behind, limit).await.unwrap();
        entries.into_iter().map(|entry| entry.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(unfinished("", 10).await, ["1", "2"]);
    assert_eq!(unfinished("", 1).await, ["1"]);
    assert_eq!(unfinished("1", 10).await, ["2"]);
    log.erase("1").await.unwrap();
    log.erase("1").await.unwrap();
    assert_eq!(unfinished("", 10).await, ["2"]);
    assert_eq!(log.decide("1", Decision::Committed).await.unwrap(), Decision::Aborted, "it is over");
}

async fn of_two_that_decide_at_once_one_wins(store: &dyn Store) {
    let log = store.decisions();
    for number in 0..20 {
        let id = number.to_string();
        log.enter(&entry(&id)).await.unwrap();
        let (one, two) = tokio::join!(log.decide(&id, Decision::Committed), log.decide(&id, Decision::Aborted));
        assert_eq!(one.unwrap(), two.unwrap());
    }
}

async fn a_note_is_kept_until_it_is_over(store: &dyn Store) {
    let log = store.decisions();
    log.enter(&entry("1")).await.unwrap();
    assert_eq!(log.noted("1", "orders").await.unwrap(), None);
    log.note("1", "orders", "a".into()).await.unwrap();
    log.note("1", "orders", "b".into()).await.unwrap();
    assert_eq!(log.noted("1", "orders").await.unwrap().as_deref(), Some(&b"b"[..]));
    assert_eq!(log.noted("1", "messages").await.unwrap(), None);
    for (id, participant) in [("2", "orders"), ("1", "nobody")] {
        let refused = log.note(id, participant, "a".into()).await.unwrap_err();
        assert!(matches!(refused, StoreError::NoTransaction { .. }), "{refused:?}");
    }
    log.erase("1").await.unwrap();
    assert_eq!(log.noted("1", "orders").await.unwrap(), None);
    let refused = log.note("1", "orders", "late".into()).await.unwrap_err();
    assert!(matches!(refused, StoreError::NoTransaction { .. }), "{refused:?}");
}

async fn what_is_held_is_seen_once_it_is_released(store: &dyn Store) {
    let log = store.decisions();
    log.enter(&entry("1")).await.unwrap();
    log.enter(&entry("2")).await.unwrap();
    let held: Vec<_> = (0..100).map(|number| publication(&format!("m{number}"))).collect();
    log.hold("1", "messages", &held, at(2)).await.unwrap();
    log.hold("2", "messages", &[publication("another")], at(2)).await.unwrap();
    assert_eq!(ids(store).await, Vec::<String>::new());
    assert_eq!(store.outbox().depth().await.unwrap().pending, 0);
    let woken = store.outbox().committed();
    // Twice at once, as a coordinator and a recovery may: once is enough.
    let (one, two) = tokio::join!(log.release("1", "messages"), log.release("1", "messages"));
    assert_eq!(one.unwrap() + two.unwrap(), 100);
    assert_eq!(log.release("1", "messages").await.unwrap(), 0);
    tokio::time::timeout(Duration::from_secs(10), woken).await.expect("relays are woken");
    assert_eq!(ids(store).await, (0..100).map(|number| format!("m{number}")).collect::<Vec<_>>());
    let rows = store.outbox().pending("default", &(0..16).collect::<Vec<_>>(), Look::first(1)).await.unwrap();
    assert_eq!(rows[0].publication.as_ref(), Ok(&held[0]), "all of it comes back");
    let found = log.find("1").await.unwrap().unwrap();
    assert_eq!(found.participants.iter().map(|p| p.done).collect::<Vec<_>>(), [false, true], "it is done with it");
    log.discard("2", "messages").await.unwrap();
    log.erase("1").await.unwrap();
    assert_eq!(log.release("2", "messages").await.unwrap(), 0, "it was thrown away");
    log.erase("2").await.unwrap();
    assert_eq!(ids(store).await.len(), 100);
    let late = log.hold("2", "messages", &held, at(3)).await.unwrap_err();
    assert!(matches!(late, StoreError::NoTransaction { .. }), "{late:?}");
    log.enter(&entry("3")).await.unwrap();
    log.hold("3", "messages", &held, at(3)).await.unwrap();
    log.erase("3").await.unwrap();
    log.enter(&entry("3")).await.unwrap();
    assert_eq!(log.release("3", "messages").await.unwrap(), 0, "what was held went with its transaction");
}

async fn a_log_has_a_name(store: &dyn Store) {
    let name = store.decisions().log_name().await.unwrap();
    assert!(name.len() == 16 && name.chars().all(|c| c.is_ascii_hexdigit()), "{name}");
    assert_eq!(store.decisions().log_name().await.unwrap(), name);
}

macro_rules! owed {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&super::MemoryStore::new()).await;
            })*
        }

        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let folder = super::Folder::temporary("sqlite");
                super::$name(&super::on_sqlite(&folder).await).await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&super::on_postgres().await).await;
            })*
        }
    };
}

owed!(
    it_is_decided_once_and_forgotten_when_it_is_over,
    of_two_that_decide_at_once_one_wins,
    a_note_is_kept_until_it_is_over,
    what_is_held_is_seen_once_it_is_released,
    a_log_has_a_name,
);

#[tokio::test]
async fn no_two_logs_have_one_name() {
    let folder = Folder::temporary("sqlite");
    let stores: [Box<dyn Store>; 6] = [
        Box::new(on_postgres().await),
        Box::new(on_postgres().await),
        Box::new(on_sqlite(&folder).await),
        Box::new(on_sqlite(&folder).await),
        Box::new(MemoryStore::new()),
        Box::new(MemoryStore::new()),
    ];
    let mut names = std::collections::HashSet::new();
    for store in stores {
        assert!(names.insert(store.decisions().log_name().await.unwrap()));
    }
}
