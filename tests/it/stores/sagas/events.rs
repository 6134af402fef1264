//! Events for steps: kept until an instance gets there, and found by one that waits for them.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use swit::{
    HeaderValue, Message, MessageId,
    store::{Delivered, Instance, SagaState, Saved, Store},
    stores::MemoryStore,
};
use swit_testbed::folder::Folder;

use super::{
    super::{at, on_postgres, on_sqlite},
    claim, instance, keys, load, start,
};

/// One with something in every field.
fn full() -> Message {
    let mut message = Message::new("payment.done", "{\"ok\":true}").with_key("k").with_priority(3);
    message.id = MessageId::parse("m1").unwrap();
    message.headers.insert("x-number", 7_i64);
    message.headers.insert("x-bytes", HeaderValue::Bytes(Bytes::from_static(b"\xff\0")));
    message.timestamp = Some(UNIX_EPOCH + Duration::from_micros(1_234_567));
    message.content_type = Some("application/json".into());
    message.content_encoding = Some("gzip".into());
    message.event_type = Some("Done".into());
    message.version = 4;
    message.correlation_id = Some("c".into());
    message.causation_id = Some(MessageId::parse("m0").unwrap());
    message.reply_to = Some("answers".into());
    message.ttl = Some(Duration::from_secs(9));
    message
}

async fn deliver(store: &dyn Store, key: &str, step: &str, message: &Message) -> Delivered {
    let mut work = store.begin().await.unwrap();
    let delivered = work.deliver_to_saga("order", key, step, message, at(50)).await.unwrap();
    work.commit().await.unwrap();
    delivered
}

fn waiting(key: &str) -> Instance {
    Instance { waits: Some("pay".into()), due: Some(at(900)), ..instance("order", key) }
}

async fn an_event_is_kept_for_its_step(store: &dyn Store) {
    start(store, &[instance("order", "1")]).await;
    let (message, other) = (full(), Message::new("other", "x"));
    let mail = async |step| store.sagas().mail("order", "1", step).await.unwrap();
    assert_eq!(deliver(store, "2", "pay", &message).await, Delivered::NoInstance);
    assert_eq!(store.sagas().mail("order", "2", "pay").await.unwrap(), None);
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.deliver_to_saga("order", "1", "pay", &message, at(5)).await.unwrap(), Delivered::Kept);
    assert_eq!(work.deliver_to_saga("order", "1", "pay", &other, at(5)).await.unwrap(), Delivered::Duplicate);
    drop(work);
    assert_eq!(mail("pay").await, None, "it was not committed");
    assert_eq!(deliver(store, "1", "pay", &message).await, Delivered::Kept);
    assert_eq!(deliver(store, "1", "pay", &other).await, Delivered::Duplicate);
    assert_eq!(deliver(store, "1", "ship", &other).await, Delivered::Kept, "another step");
    assert_eq!(mail("pay").await, Some(message), "all of the first");
    assert_eq!(mail("ship").await, Some(other));
    assert_eq!(mail("confirm").await, None);
    assert_eq!(load(store, "order", "1").await, instance("order", "1"), "nothing of it changes");
}

async fn an_event_that_is_waited_for_has_the_instance_be_due(store: &dyn Store) {
    let owned = Instance { owner: "one".into(), due: None, ..waiting("owned") };
    start(store, &[waiting("free"), waiting("another"), owned.clone()]).await;
    assert_eq!(claim(store, "two", &["order"], at(50), 9).await, []);
    let message = full();
    assert_eq!(deliver(store, "another", "ship", &message).await, Delivered::Kept, "not that step");
    assert_eq!(load(store, "order", "another").await, waiting("another"));
    assert_eq!(deliver(store, "owned", "pay", &message).await, Delivered::Kept, "its owner will look");
    assert_eq!(load(store, "order", "owned").await, owned);
    assert_eq!(deliver(store, "free", "pay", &message).await, Delivered::Awaited);
    assert_eq!(load(store, "order", "free").await, Instance { due: Some(at(50)), ..waiting("free") });
    let claimed = claim(store, "two", &["order"], at(50), 9).await;
    assert_eq!(keys(&claimed), ["free"]);
    assert_eq!((claimed[0].waits.as_deref(), claimed[0].revision), (Some("pay"), 1));
    assert_eq!(deliver(store, "free", "pay", &message).await, Delivered::Duplicate);
    // One transaction that starts it and brings its event.
    let mut work = store.begin().await.unwrap();
    assert!(work.start_saga(&waiting("new")).await.unwrap());
    assert_eq!(work.deliver_to_saga("order", "new", "pay", &message, at(50)).await.unwrap(), Delivered::Awaited);
    work.commit().await.unwrap();
    assert_eq!(keys(&claim(store, "two", &["order"], at(50), 9).await), ["new"]);
}

async fn what_comes_for_one_that_is_over_is_not_kept(store: &dyn Store) {
    start(store, &[instance("order", "1")]).await;
    let message = full();
    assert_eq!(deliver(store, "1", "pay", &message).await, Delivered::Kept);
    let ended = Instance { state: SagaState::Completed, waits: Some("ship".into()), ..instance("order", "1") };
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.save_saga(&ended, "", at(9)).await.unwrap(), Saved::Yes { wish: None, mail: false });
    assert_eq!(
        work.deliver_to_saga("order", "1", "ship", &message, at(9)).await.unwrap(),
        Delivered::Finished(SagaState::Completed)
    );
    work.commit().await.unwrap();
    assert_eq!(deliver(store, "1", "ship", &message).await, Delivered::Finished(SagaState::Completed));
    assert_eq!(store.sagas().mail("order", "1", "ship").await.unwrap(), None);
    assert_eq!(deliver(store, "1", "pay", &message).await, Delivered::Duplicate, "it had that one");
    assert_eq!(load(store, "order", "1").await.due, None);
    // Its events go with it.
    assert_eq!(store.sagas().forget_finished(at(10), 9).await.unwrap(), 1);
    start(store, &[instance("order", "1")]).await;
    assert_eq!(store.sagas().mail("order", "1", "pay").await.unwrap(), None);
    assert_eq!(deliver(store, "1", "pay", &message).await, Delivered::Kept);
}

async fn what_comes_for_one_that_is_undone_is_not_kept(store: &dyn Store) {
    for state in [SagaState::Compensating, SagaState::Failed] {
        let key = state.as_str();
        start(store, &[instance("order", key)]).await;
        let undone = Instance { state, due: Some(at(900)), ..instance("order", key) };
        store.sagas().save(&undone, "", at(9)).await.unwrap();
        assert_eq!(deliver(store, key, "ship", &full()).await, Delivered::Finished(state));
        assert_eq!(store.sagas().mail("order", key, "ship").await.unwrap(), None);
    }
}

async fn whoever_comes_to_wait_is_told_of_what_came_before(store: &dyn Store) {
    let begun = |key: &str| Instance { owner: "one".into(), ..instance("order", key) };
    start(store, &[begun("free"), begun("kept"), begun("early"), begun("work")]).await;
    let (message, sagas) = (full(), store.sagas());
    for key in ["free", "kept", "work"] {
        assert_eq!(deliver(store, key, "pay", &message).await, Delivered::Kept);
    }
    let yes = |mail| Saved::Yes { wish: None, mail };
    assert_eq!(sagas.save(&waiting("early"), "one", at(60)).await.unwrap(), yes(false));
    assert_eq!(load(store, "order", "early").await.due, Some(at(900)));
    assert_eq!(sagas.save(&waiting("free"), "two", at(60)).await.unwrap(), Saved::Lost);
    assert_eq!(load(store, "order", "free").await, begun("free"), "what is lost changes nothing");
    assert_eq!(sagas.save(&waiting("free"), "one", at(60)).await.unwrap(), yes(true));
    assert_eq!(load(store, "order", "free").await.due, Some(at(60)), "at once");
    let kept = Instance { owner: "one".into(), ..waiting("kept") };
    assert_eq!(sagas.save(&kept, "one", at(60)).await.unwrap(), yes(true));
    assert_eq!(load(store, "order", "kept").await.due, Some(at(900)), "its owner knows");
    // With a transaction, which may save once more.
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.save_saga(&waiting("work"), "one", at(60)).await.unwrap(), yes(true));
    let again = Instance { revision: 1, waits: None, due: Some(at(61)), ..waiting("work") };
    assert_eq!(work.save_saga(&again, "", at(61)).await.unwrap(), yes(false));
    let early = Instance { revision: 1, waits: Some("ship".into()), ..waiting("early") };
    assert_eq!(work.deliver_to_saga("order", "early", "ship", &message, at(61)).await.unwrap(), Delivered::Kept);
    assert_eq!(work.save_saga(&early, "", at(61)).await.unwrap(), yes(true), "its own");
    work.commit().await.unwrap();
    assert_eq!(load(store, "order", "work").await, Instance { revision: 2, updated_at: at(61), ..again });
}

owed!(
    an_event_is_kept_for_its_step,
    an_event_that_is_waited_for_has_the_instance_be_due,
    what_comes_for_one_that_is_over_is_not_kept,
    what_comes_for_one_that_is_undone_is_not_kept,
    whoever_comes_to_wait_is_told_of_what_came_before,
);

/// In memory nothing is locked: what comes between a transaction's look and its commit is seen when it is committed.
#[tokio::test]
async fn in_memory_an_event_and_a_wait_that_cross_find_each_other() {
    for is_saved_first in [false, true] {
        let store = MemoryStore::new();
        start(&store, &[Instance { owner: "one".into(), ..instance("order", "1") }]).await;
        let (mut waiter, mut bringer) = (store.begin().await.unwrap(), store.begin().await.unwrap());
        let saved = waiter.save_saga(&waiting("1"), "one", at(60)).await.unwrap();
        assert_eq!(saved, Saved::Yes { wish: None, mail: false });
        let delivered = bringer.deliver_to_saga("order", "1", "pay", &full(), at(61)).await.unwrap();
        assert_eq!(delivered, Delivered::Kept);
        let (first, second) = if is_saved_first { (waiter, bringer) } else { (bringer, waiter) };
        first.commit().await.unwrap();
        second.commit().await.unwrap();
        let due = load(&store, "order", "1").await.due;
        assert_eq!(due, Some(if is_saved_first { at(61) } else { at(60) }));
    }
}

/// What a transaction was told of its event is true when it is committed, or it is not.
#[tokio::test]
async fn in_memory_an_event_that_came_twice_at_once_is_a_conflict() {
    let store = MemoryStore::new();
    start(&store, &[instance("order", "1"), instance("order", "2")]).await;
    let mut works = Vec::new();
    for key in ["1", "1", "2"] {
        let mut work = store.begin().await.unwrap();
        assert_eq!(work.deliver_to_saga("order", key, "pay", &full(), at(5)).await.unwrap(), Delivered::Kept);
        works.push(work);
    }
    let ended = Instance { state: SagaState::Completed, ..instance("order", "2") };
    store.sagas().save(&ended, "", at(6)).await.unwrap();
    let mut committed = Vec::new();
    for work in works {
        committed.push(work.commit().await.is_ok());
    }
    assert_eq!(committed, [true, false, false], "the second is one too many, the third comes for one that is over");
    assert_eq!(store.sagas().mail("order", "2", "pay").await.unwrap(), None);
}
