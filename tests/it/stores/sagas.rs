//! Instances of sagas: started, saved, claimed, taken over, listed and forgotten.

use std::time::{Duration, SystemTime};

use swit::{
    Text,
    store::{Instance, SagaCount, SagaFilter, SagaState, SagaWish, Saved, Store, StoreError},
    stores::MemoryStore,
};
use swit_testbed::folder::Folder;

use super::{at, on_postgres, on_sqlite, publication};

/// One that was just started, which nobody has to go on with.
pub(crate) fn instance(saga: &str, key: &str) -> Instance {
    Instance {
        saga: saga.into(),
        key: key.into(),
        id: format!("{saga}-{key}-id").into(),
        version: 3,
        revision: 0,
        state: SagaState::Pending,
        owner: Text::default(),
        waits: None,
        due: None,
        parked: None,
        wish: None,
        opening: "{\"ö\":1}".into(),
        journal: "[]".into(),
        started_at: at(1),
        updated_at: at(1),
    }
}

pub(crate) fn saved() -> Saved {
    Saved::Yes { wish: None, mail: false }
}

pub(crate) async fn start(store: &dyn Store, instances: &[Instance]) {
    let mut work = store.begin().await.unwrap();
    for instance in instances {
        assert!(work.start_saga(instance).await.unwrap(), "{instance:?}");
    }
    work.commit().await.unwrap();
}

pub(crate) async fn load(store: &dyn Store, saga: &str, key: &str) -> Instance {
    store.sagas().load(saga, key).await.unwrap().unwrap()
}

fn keys(instances: &[Instance]) -> Vec<String> {
    instances.iter().map(|instance| instance.key.to_string()).collect()
}

async fn claim(store: &dyn Store, member: &str, sagas: &[&str], now: SystemTime, limit: u32) -> Vec<Instance> {
    let sagas: Vec<Text> = sagas.iter().map(|saga| Text::from(*saga)).collect();
    let mut claimed = store.sagas().claim(member, &sagas, now, limit).await.unwrap();
    claimed.sort_by(|a, b| (&a.saga, &a.key).cmp(&(&b.saga, &b.key)));
    claimed
}

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
    assert_eq!(load(store, "order", "1").await, Instance { revision: 2, wish, updated_at: at(7), ..free });
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

async fn what_is_due_is_claimed_once(store: &dyn Store) {
    let due = |saga, key, due| Instance { due: Some(at(due)), ..instance(saga, key) };
    start(
        store,
        &[
            due("order", "late", 30),
            due("order", "early", 10),
            due("payment", "middle", 20),
            due("other", "first", 1),
            due("order", "tomorrow", 999),
            Instance { waits: Some("pay".into()), ..instance("order", "waits") },
            Instance { parked: Some("why".into()), ..due("order", "parked", 1) },
            Instance { owner: "two".into(), ..due("order", "owned", 1) },
            Instance { waits: Some("pay".into()), ..due("order", "timed", 40) },
        ],
    )
    .await;
    let both = ["order", "payment"];
    let next = async |sagas: &[&str]| {
        let sagas: Vec<Text> = sagas.iter().map(|saga| Text::from(*saga)).collect();
        store.sagas().next_due(&sagas).await.unwrap()
    };
    assert_eq!((next(&both).await, next(&["payment"]).await), (Some(at(10)), Some(at(20))));
    assert_eq!((next(&["none"]).await, next(&[]).await), (None, None));
    assert_eq!(claim(store, "one", &both, at(9), 10).await, []);
    assert_eq!(claim(store, "one", &[], at(9), 10).await, []);
    let claimed = claim(store, "one", &both, at(50), 2).await;
    assert_eq!(keys(&claimed), ["early", "middle"], "those first that are due longest");
    let expected = Instance { owner: "one".into(), due: None, revision: 1, ..due("order", "early", 10) };
    assert_eq!(claimed[0], expected);
    assert_eq!(load(store, "order", "early").await, expected, "as it was said");
    assert_eq!(next(&both).await, Some(at(30)));
    let claimed = claim(store, "two", &both, at(50), 10).await;
    assert_eq!(keys(&claimed), ["late", "timed"]);
    assert_eq!(claimed[1].waits.as_deref(), Some("pay"), "it is for whoever claims it to see");
    assert_eq!(claim(store, "two", &both, at(50), 10).await, []);
    assert_eq!(next(&both).await, Some(at(999)));
    // To the microsecond.
    let just = at(999) - Duration::from_micros(1);
    assert_eq!(claim(store, "two", &both, just, 10).await, []);
    assert_eq!(claim(store, "two", &both, at(999), 10).await.len(), 1);
}

async fn what_a_dead_member_had_is_due(store: &dyn Store) {
    let sagas = store.sagas();
    let of = |owner: &str, key| Instance { owner: owner.into(), ..instance("order", key) };
    let finished = Instance { state: SagaState::Completed, ..of("", "done") };
    start(store, &[of("one", "1"), of("one", "2"), of("two", "3"), of("", "4"), finished.clone()]).await;
    sagas.beat("one").await.unwrap();
    sagas.beat("idle").await.unwrap();
    let members = async || {
        let mut members = store.sagas().members().await.unwrap();
        members.sort();
        members
    };
    let before = members().await;
    assert_eq!(before.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["idle", "one", "two"]);
    assert_eq!(before[2].1, 0, "an owner that is no member");
    assert!(before[0].1 > 0 && before[1].1 > 0);
    sagas.beat("one").await.unwrap();
    let after = members().await;
    assert!(after[1].1 != before[1].1 && after[0] == before[0]);
    let mut owned = keys(&sagas.owned("one", 10).await.unwrap());
    owned.sort();
    assert_eq!(owned, ["1", "2"]);
    assert_eq!(sagas.owned("one", 1).await.unwrap().len(), 1);
    assert_eq!(sagas.owned("", 10).await.unwrap(), [], "nobody is no member");
    assert_eq!(sagas.orphan("one", at(50)).await.unwrap(), 2);
    assert_eq!(sagas.orphan("one", at(50)).await.unwrap(), 0);
    assert_eq!(sagas.orphan("", at(50)).await.unwrap(), 0);
    assert_eq!(load(store, "order", "1").await, Instance { revision: 1, due: Some(at(50)), ..of("", "1") });
    assert_eq!(load(store, "order", "3").await, of("two", "3"));
    assert_eq!(load(store, "order", "4").await, of("", "4"));
    assert_eq!(load(store, "order", "done").await, finished);
    assert_eq!(sagas.save(&of("one", "1"), "one", at(51)).await.unwrap(), Saved::Lost, "the dead write nothing");
    assert_eq!(keys(&claim(store, "two", &["order"], at(50), 10).await), ["1", "2"]);
    sagas.leave("one").await.unwrap();
    sagas.leave("nobody").await.unwrap();
    assert_eq!(members().await, [("idle".into(), before[0].1), ("two".into(), 0)]);
}

async fn what_somebody_wishes_is_noted(store: &dyn Store) {
    let sagas = store.sagas();
    let parked = Instance { parked: Some("why".into()), state: SagaState::Failed, ..instance("order", "parked") };
    let owned = Instance { owner: "one".into(), ..instance("order", "owned") };
    let finished = Instance { state: SagaState::Cancelled, ..instance("order", "finished") };
    start(store, &[parked.clone(), owned.clone(), finished.clone(), instance("order", "free")]).await;
    let wish = async |key, wish| sagas.wish("order", key, wish, at(8)).await.unwrap();
    let (cancel, compensate) = (Some(SagaWish::Cancel), Some(SagaWish::Compensate));
    assert_eq!(wish("none", SagaWish::Cancel).await, None);
    assert_eq!(wish("finished", SagaWish::Cancel).await, Some(SagaState::Cancelled));
    assert_eq!(load(store, "order", "finished").await, finished, "nothing more happens to it");
    assert_eq!(wish("parked", SagaWish::Compensate).await, Some(SagaState::Failed));
    assert_eq!(wish("parked", SagaWish::Cancel).await, Some(SagaState::Failed));
    let now = Instance { parked: None, due: Some(at(8)), wish: compensate, ..parked };
    assert_eq!(load(store, "order", "parked").await, now, "the first wish stays");
    assert_eq!(wish("owned", SagaWish::Cancel).await, Some(SagaState::Pending));
    assert_eq!(
        load(store, "order", "owned").await,
        Instance { wish: cancel, ..owned.clone() },
        "its owner will see it"
    );
    assert_eq!(wish("free", SagaWish::Cancel).await, Some(SagaState::Pending));
    assert_eq!(keys(&claim(store, "two", &["order"], at(8), 10).await), ["free", "parked"]);
    let mut work = store.begin().await.unwrap();
    assert_eq!(
        work.save_saga(&owned, "one", at(9)).await.unwrap(),
        Saved::Yes { wish: cancel, mail: false },
        "nor does it stand in the way"
    );
    work.commit().await.unwrap();
    assert_eq!(load(store, "order", "owned").await.wish, cancel);
}

async fn what_is_parked_is_resumed(store: &dyn Store) {
    let sagas = store.sagas();
    let parked = Instance { parked: Some("why".into()), ..instance("order", "parked") };
    start(store, &[parked.clone(), instance("order", "free")]).await;
    assert_eq!(claim(store, "one", &["order"], at(99), 10).await, []);
    assert!(!sagas.resume("order", "none", at(8)).await.unwrap());
    assert!(!sagas.resume("order", "free", at(8)).await.unwrap());
    assert!(sagas.resume("order", "parked", at(8)).await.unwrap());
    assert!(!sagas.resume("order", "parked", at(9)).await.unwrap());
    assert_eq!(load(store, "order", "parked").await, Instance { parked: None, due: Some(at(8)), ..parked });
    assert_eq!(load(store, "order", "free").await.due, None);
}

async fn what_there_is_is_counted_and_listed(store: &dyn Store) {
    let sagas = store.sagas();
    let running = |key: &str| Instance { state: SagaState::Running, ..instance("order", key) };
    let parked = |key: &str| Instance { parked: Some("why".into()), ..running(key) };
    let finished = Instance { state: SagaState::TimedOut, ..instance("payment", "b") };
    // Not in their order.
    start(store, &[running("c"), parked("b"), instance("payment", "a"), finished, running("a"), running("B")]).await;
    let count = |saga: &str, state, parked, count| SagaCount { saga: saga.into(), state, parked, count };
    let mut counts = sagas.counts().await.unwrap();
    counts.sort_by_key(|count| (count.saga.clone(), count.parked));
    let expected = [
        count("order", SagaState::Running, false, 3),
        count("order", SagaState::Running, true, 1),
        count("payment", SagaState::Pending, false, 1),
    ];
    assert_eq!(counts, expected, "finished ones are not counted");
    let list = async |filter: SagaFilter, behind, limit| {
        let listed = sagas.list(&filter, behind, limit).await.unwrap();
        listed.iter().map(|found| format!("{}/{}", found.saga, found.key)).collect::<Vec<_>>()
    };
    let all = ["order/B", "order/a", "order/b", "order/c", "payment/a", "payment/b"];
    assert_eq!(list(SagaFilter::default(), None, 10).await, all);
    assert_eq!(list(SagaFilter::default(), None, 2).await, all[..2]);
    assert_eq!(list(SagaFilter::default(), Some(("order", "a")), 3).await, all[2..5]);
    assert_eq!(list(SagaFilter::default(), Some(("order", "zzz")), 3).await, all[4..]);
    let of = |saga: Option<&str>, state, parked| SagaFilter { saga: saga.map(Into::into), state, parked };
    assert_eq!(list(of(Some("payment"), None, false), Some(("order", "b")), 10).await, all[4..]);
    assert_eq!(list(of(None, Some(SagaState::Running), false), Some(("order", "B")), 10).await, all[1..4]);
    assert_eq!(list(of(None, Some(SagaState::TimedOut), false), None, 10).await, all[5..]);
    assert_eq!(list(of(None, None, true), None, 10).await, ["order/b"]);
    assert_eq!(list(of(Some("order"), Some(SagaState::Running), true), Some(("order", "a")), 10).await, ["order/b"]);
    assert_eq!(list(of(Some("order"), Some(SagaState::Pending), false), None, 10).await, [""; 0]);
}

async fn what_is_finished_is_forgotten_bit_by_bit(store: &dyn Store) {
    let sagas = store.sagas();
    for number in 0..6_u64 {
        let begun = instance("order", &number.to_string());
        start(store, std::slice::from_ref(&begun)).await;
        let ended = Instance { state: SagaState::Compensated, ..begun };
        assert_eq!(sagas.save(&ended, "", at(10 + number)).await.unwrap(), saved());
    }
    start(store, &[Instance { state: SagaState::Failed, ..instance("order", "failed") }]).await;
    assert_eq!(sagas.forget_finished(at(10), 10).await.unwrap(), 0);
    assert_eq!(sagas.forget_finished(at(15), 3).await.unwrap(), 3);
    assert_eq!(sagas.forget_finished(at(15), 3).await.unwrap(), 2);
    assert_eq!(sagas.forget_finished(at(15), 3).await.unwrap(), 0);
    assert_eq!(sagas.load("order", "4").await.unwrap(), None);
    assert_eq!(load(store, "order", "5").await.state, SagaState::Compensated);
    assert_eq!(load(store, "order", "failed").await.state, SagaState::Failed, "it is not over");
    start(store, &[instance("order", "4")]).await;
    assert_eq!(sagas.counts().await.unwrap().iter().map(|count| count.count).sum::<u64>(), 2);
}

owed!(
    an_instance_is_started_once_it_is_committed,
    starting_waits_for_what_becomes_of_another,
    what_is_saved_is_saved_over_what_was_read,
    a_transaction_saves_with_all_else_or_not_at_all,
    what_is_due_is_claimed_once,
    what_a_dead_member_had_is_due,
    what_somebody_wishes_is_noted,
    what_is_parked_is_resumed,
    what_there_is_is_counted_and_listed,
    what_is_finished_is_forgotten_bit_by_bit,
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
