//! Recovery among others: participants that hang, and other instances that recover at the same time.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use swit::{
    BoxError, Running,
    store::{Decision, Decisions as _, Enrolled, Entry},
    transport::BoxFuture,
    two_phase::{Open, TransactionId, TransactionParticipant},
};
use tokio::time::Instant;

use super::{Act, At, Flaky, Script, Scripted, coordinator, database, service};

/// A transaction that a process left, decided or not, prepared at this participant.
async fn left(store: &Flaky, id: &str, decision: Option<Decision>, at: &Scripted) {
    let log = store.inner.log_name().await.unwrap();
    let transaction = TransactionId::new(log, id);
    let entry = Entry {
        id: id.into(),
        coordinator: "shop".into(),
        begun: std::time::UNIX_EPOCH,
        deadline: std::time::UNIX_EPOCH,
        decision: None,
        participants: vec![Enrolled { name: at.name().into(), done: false }],
    };
    store.inner.enter(&entry).await.unwrap();
    let part = at.begin(&transaction).await.unwrap();
    at.prepare(&transaction, part).await.unwrap();
    if let Some(decision) = decision {
        store.inner.decide(id, decision).await.unwrap();
    }
}

async fn page(running: &Running) -> String {
    running.metrics().unwrap().page().await
}

#[tokio::test(start_paused = true)]
async fn a_participant_that_hangs_holds_up_nobody_else() {
    let hangs = Script { commit: VecDeque::from([Act::Hang; 1_000]), ..Script::default() };
    let (store, first, second) =
        (Flaky::default(), Scripted::new("first", hangs), Scripted::new("second", Script::default()));
    let app = service(store.clone()).await;
    let coordinator = coordinator(&database(app.running()), [first.clone(), second.clone()]).await;
    for number in 0..150 {
        let at = if number % 5 == 4 { &second } else { &first };
        left(&store, &format!("{number:03}"), Some(Decision::Committed), at).await;
    }
    let began = Instant::now();
    let recovered = coordinator.recover().await.unwrap();
    assert_eq!((recovered.resolved, recovered.waiting), (30, 120));
    assert!(began.elapsed() <= Duration::from_secs(21), "one after the other: {:?}", began.elapsed());
    assert!(second.all().iter().all(|at| *at == At::Committed));
    let shown = page(app.running()).await;
    assert!(shown.contains("swit_messaging_transactions_in_doubt{coordinator=\"shop\"} 120\n"), "{shown}");
    assert_eq!((first.wrong(), second.wrong()), (Vec::new(), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn what_another_instance_finished_meanwhile_is_not_rolled_back() {
    let (store, first) = (Flaky::default(), Scripted::new("first", Script::default()));
    let app = service(store.clone()).await;
    let coordinator = coordinator(&database(app.running()), [first.clone()]).await;
    // The service's own task has had its look.
    tokio::time::sleep(Duration::from_secs(1)).await;
    left(&store, "1", None, &first).await;
    // It is slow to abort it: another has committed it by then.
    store.decide.lock().unwrap().push_back(Act::Slow);
    let another = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(store.inner.decide("1", Decision::Committed).await.unwrap(), Decision::Committed);
        first.commit(&TransactionId::new("log", "1")).await.unwrap();
        store.inner.erase("1").await.unwrap();
    };
    let (recovered, ()) = tokio::join!(coordinator.recover(), another);
    assert_eq!((recovered.unwrap().resolved, first.at("1")), (1, Some(At::Committed)));
    assert_eq!(first.wrong(), Vec::<String>::new());
}

/// Says what it had prepared a moment ago, as a database does whose answer was on its way.
#[derive(Clone, Default)]
struct Stale {
    answers: Arc<Mutex<VecDeque<&'static str>>>,
    rolled_back: Arc<Mutex<Vec<String>>>,
}

impl TransactionParticipant for Stale {
    fn name(&self) -> &'static str {
        "stale"
    }
    fn begin<'a>(&'a self, _: &'a TransactionId) -> BoxFuture<'a, Result<Open, BoxError>> {
        Box::pin(async { Ok(Box::new(()) as Open) })
    }
    fn prepare<'a>(&'a self, _: &'a TransactionId, _: Open) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
    fn commit<'a>(&'a self, _: &'a TransactionId) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
    fn rollback<'a>(&'a self, id: &'a TransactionId, _: Option<Open>) -> BoxFuture<'a, Result<(), BoxError>> {
        self.rolled_back.lock().unwrap().push(id.id().to_string());
        Box::pin(async { Ok(()) })
    }
    fn prepared<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<TransactionId>, BoxError>> {
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or_default();
        Box::pin(async move { Ok(answer.split_whitespace().map(|id| TransactionId::new(log, id)).collect()) })
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_instance_finished_meanwhile_is_no_orphan() {
    let stale = Stale::default();
    let app = service(Flaky::default()).await;
    let coordinator = coordinator(&database(app.running()), [stale.clone()]).await;
    // The service's own task has had its look.
    tokio::time::sleep(Duration::from_secs(1)).await;
    stale.answers.lock().unwrap().extend(["finished orphan", "orphan"]);
    let recovered = coordinator.recover().await.unwrap();
    assert_eq!((recovered.orphans, stale.rolled_back.lock().unwrap().clone()), (1, vec!["orphan".to_owned()]));
}

/// Whoever ran it did not wait for its end: what becomes of it is for recovery to say.
#[tokio::test(start_paused = true)]
async fn how_transactions_ended_is_counted() {
    let script = Script {
        prepare: [Act::Fail, Act::Well, Act::Hang].into(),
        commit: [Act::Fail; 30].into(),
        ..Script::default()
    };
    let (store, first) = (Flaky::default(), Scripted::new("first", script));
    let app = service(store.clone()).await;
    let coordinator = coordinator(&database(app.running()), [first.clone()]).await;
    let run = || {
        coordinator.execute(async |mut tx| {
            tx.of(&first)?.write();
            Ok::<_, BoxError>(())
        })
    };
    run().await.unwrap_err();
    run().await.unwrap_err();
    let shown = page(app.running()).await;
    assert!(shown.contains("swit_messaging_transactions_in_doubt{coordinator=\"shop\"} 1\n"), "{shown}");
    tokio::time::timeout(Duration::from_secs(1), run()).await.unwrap_err();
    tokio::time::sleep(Duration::from_mins(10)).await;
    let shown = page(app.running()).await;
    let outcomes = [("committed", 0), ("rolled_back", 1), ("failed", 0), ("in_doubt", 1), ("interrupted", 1)];
    for (outcome, many) in outcomes {
        let line = format!("swit_messaging_transactions_total{{coordinator=\"shop\",outcome=\"{outcome}\"}} {many}\n");
        assert!(shown.contains(&line), "{line}{shown}");
    }
    assert!(shown.contains("swit_messaging_transactions_in_doubt{coordinator=\"shop\"} 0\n"), "{shown}");
}
