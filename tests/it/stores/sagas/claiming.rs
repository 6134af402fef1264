//! Who goes on with an instance, and when.

use std::time::Duration;

use swit::{
    Text,
    store::{Instance, SagaState, SagaWish, Saved, Store},
    stores::MemoryStore,
};
use swit_testbed::folder::Folder;

use super::{
    super::{at, on_postgres, on_sqlite},
    claim, instance, keys, load, saved, start,
};

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
    let owned = async |member| {
        let mut owned = keys(&store.sagas().owned(member, 10).await.unwrap());
        owned.sort();
        owned
    };
    assert_eq!(owned("two").await, ["late", "owned", "timed"]);
    let rests = Instance { revision: 1, ..due("order", "late", 998) };
    assert_eq!(store.sagas().save(&rests, "two", at(51)).await.unwrap(), saved());
    assert_eq!(owned("two").await, ["owned", "timed"]);
    assert_eq!(next(&both).await, Some(at(998)));
    assert_eq!(keys(&claim(store, "one", &both, at(998), 10).await), ["late"]);
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
    assert_eq!(sagas.orphan("one", Some(before[1].1), at(50)).await.unwrap(), 0, "it showed that it lives since");
    assert_eq!(sagas.orphan("one", Some(after[1].1), at(50)).await.unwrap(), 2);
    assert_eq!(sagas.orphan("one", None, at(50)).await.unwrap(), 0);
    assert_eq!(sagas.orphan("", None, at(50)).await.unwrap(), 0);
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

async fn what_is_wanted_back_and_laid_to_rest_is_due_at_once(store: &dyn Store) {
    let sagas = store.sagas();
    let owned = |key| Instance { owner: "one".into(), ..instance("order", key) };
    start(store, &[owned("resting"), owned("undone"), owned("running")]).await;
    for key in ["resting", "undone", "running"] {
        sagas.wish("order", key, SagaWish::Cancel, at(8)).await.unwrap();
    }
    let rests = |key, state| Instance { state, due: Some(at(900)), ..instance("order", key) };
    sagas.save(&rests("resting", SagaState::StepCompleted), "one", at(9)).await.unwrap();
    sagas.save(&rests("undone", SagaState::Compensating), "one", at(9)).await.unwrap();
    let mut work = store.begin().await.unwrap();
    work.save_saga(&Instance { state: SagaState::Running, ..owned("running") }, "one", at(9)).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(keys(&claim(store, "two", &["order"], at(10), 10).await), ["resting"]);
    assert_eq!(load(store, "order", "undone").await.due, Some(at(900)), "its time is that of its next attempt");
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

owed!(
    what_is_due_is_claimed_once,
    what_a_dead_member_had_is_due,
    what_somebody_wishes_is_noted,
    what_is_wanted_back_and_laid_to_rest_is_due_at_once,
    what_is_parked_is_resumed,
);

/// Nobody waits for a row that somebody else has locked.
#[tokio::test]
async fn on_postgres_what_is_locked_is_passed_by() {
    let store = on_postgres().await;
    let due = |key, due| Instance { due: Some(at(due)), ..instance("order", key) };
    start(&store, &[due("1", 1), due("2", 2), due("3", 3)]).await;
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.save_saga(&due("1", 1), "", at(5)).await.unwrap(), saved());
    let claimed = tokio::time::timeout(Duration::from_secs(5), claim(&store, "one", &["order"], at(9), 2)).await;
    assert_eq!(keys(&claimed.expect("it waits")), ["2", "3"], "as many as were asked for");
    // Its lock is gone once its connection has rolled back.
    drop(work);
    let freed = async {
        loop {
            let claimed = keys(&claim(&store, "two", &["order"], at(9), 2).await);
            if !claimed.is_empty() {
                return claimed;
            }
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), freed).await.expect("it is free"), ["1"]);
}
