//! What there is, and what need not be remembered any more.

use swit::{
    store::{Instance, SagaCount, SagaFilter, SagaState, Store},
    stores::MemoryStore,
};
use swit_testbed::folder::Folder;

use super::{
    super::{at, on_postgres, on_sqlite},
    instance, load, saved, start,
};

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

owed!(what_there_is_is_counted_and_listed, what_is_finished_is_forgotten_bit_by_bit,);
