//! Each way that a transaction can end.

use std::time::Duration;

use swit::{
    BoxError, StoreError,
    store::{Decision, Decisions, Enrolled, Entry, Store},
    two_phase::{Coordinator, CoordinatorError, TransactionError, TransactionParticipant, TransactionState},
};
use tokio::time::Instant;

use super::{Act, At, Flaky, Script, Scripted, coordinator, database, service};

fn two(first: Script, second: Script) -> [Scripted; 2] {
    [Scripted::new("first", first), Scripted::new("second", second)]
}

/// Runs one transaction that writes into both, and says how it ended.
async fn run(coordinator: &Coordinator, [first, second]: &[Scripted; 2]) -> Result<u8, TransactionError> {
    coordinator
        .execute(async |mut tx| {
            tx.of(first)?.write();
            tx.of(second)?.write();
            Ok::<_, BoxError>(7)
        })
        .await
}

async fn unfinished(store: &Flaky) -> Vec<Entry> {
    store.decisions().unfinished("", 100).await.unwrap()
}

fn right(participants: &[Scripted]) {
    for participant in participants {
        assert_eq!(participant.wrong(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn all_commit_and_nothing_is_left() {
    let (store, both) = (Flaky::default(), two(Script::default(), Script::default()));
    let app = service(store.clone()).await;
    let coordinator = coordinator(&database(app.running()), both.clone()).await;
    assert_eq!(run(&coordinator, &both).await.unwrap(), 7);
    for participant in &both {
        assert_eq!(participant.calls(), ["begin", "prepare", "commit"]);
        assert_eq!(participant.all(), [At::Committed]);
    }
    assert_eq!(unfinished(&store).await, []);
    right(&both);
}

#[tokio::test(start_paused = true)]
async fn the_business_functions_error_comes_back_and_nobody_prepared() {
    let (store, both) = (Flaky::default(), two(Script::default(), Script::default()));
    let app = service(store.clone()).await;
    let coordinator = coordinator(&database(app.running()), both.clone()).await;
    let failed = coordinator.execute(async |_tx| Err::<(), _>(std::io::Error::other("sold out"))).await.unwrap_err();
    assert_eq!(failed.state(), TransactionState::RolledBack);
    assert_eq!(failed.business().unwrap().to_string(), "sold out");
    assert!(failed.business().unwrap().is::<std::io::Error>());
    let panicked = coordinator.execute(async |_tx| -> Result<(), BoxError> { panic!("on purpose") }).await.unwrap_err();
    assert!(matches!(panicked, TransactionError::Panicked { .. }), "{panicked:?}");
    let began = Instant::now();
    let late = coordinator.execute(async |_tx| std::future::pending::<Result<(), BoxError>>().await).await.unwrap_err();
    assert!(matches!(late, TransactionError::TimedOut { .. }), "{late:?}");
    assert_eq!(began.elapsed().as_secs(), 10);
    // Kept by somebody: it is not back.
    let kept = std::sync::Mutex::new(None);
    let error = coordinator
        .execute(async |tx| {
            *kept.lock().unwrap() = Some(tx);
            Ok::<_, BoxError>(())
        })
        .await
        .unwrap_err();
    assert!(matches!(error, TransactionError::Kept), "{error:?}");
    for participant in &both {
        assert_eq!(participant.calls(), ["begin", "rollback"].repeat(4));
        assert_eq!(participant.all(), [At::Gone; 4]);
    }
    assert_eq!(unfinished(&store).await, []);
    right(&both);
}

#[tokio::test(start_paused = true)]
async fn whoever_fails_to_open_or_to_prepare_takes_all_others_with_it() {
    for act in Act::ALL.into_iter().filter(|act| !matches!(act, Act::Well | Act::Slow)) {
        for prepares in [false, true] {
            let script = if prepares {
                Script { prepare: [act].into(), ..Script::default() }
            } else {
                Script { begin: [act].into(), ..Script::default() }
            };
            let (store, both) = (Flaky::default(), two(Script::default(), script));
            let app = service(store.clone()).await;
            let coordinator = coordinator(&database(app.running()), both.clone()).await;
            let error = run(&coordinator, &both).await.unwrap_err();
            assert_eq!(error.state(), TransactionState::RolledBack, "{act:?}");
            match act {
                Act::Hang | Act::HangAfter => assert!(matches!(error, TransactionError::TimedOut { .. }), "{error:?}"),
                Act::Panic | Act::PanicAfter => {
                    assert!(matches!(error, TransactionError::Panicked { .. }), "{error:?}");
                }
                _ => assert!(error.to_string().contains("`second` failed"), "{error}"),
            }
            for participant in &both {
                assert_eq!(participant.all(), [At::Gone], "{act:?} {prepares}");
                assert!(!participant.calls().contains(&"commit"));
            }
            assert_eq!(unfinished(&store).await, []);
            right(&both);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_decision_there_is_only_forward() {
    let acts = [Act::Fail, Act::FailAfter, Act::Panic, Act::PanicAfter, Act::Hang, Act::HangAfter];
    for act in acts {
        let script = Script { commit: [act].into(), ..Script::default() };
        let (store, both) = (Flaky::default(), two(script, Script::default()));
        let app = service(store.clone()).await;
        let coordinator = coordinator(&database(app.running()), both.clone()).await;
        assert_eq!(run(&coordinator, &both).await.unwrap(), 7, "{act:?}");
        assert_eq!(both[0].calls(), ["begin", "prepare", "commit", "commit"]);
        assert_eq!(both[1].calls(), ["begin", "prepare", "commit"]);
        assert_eq!(unfinished(&store).await, []);
        right(&both);
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_commit_in_time_is_in_doubt_until_recovery_is_through() {
    let script = Script { commit: [Act::Fail; 30].into(), ..Script::default() };
    let (store, both) = (Flaky::default(), two(script, Script::default()));
    let app = service(store.clone()).await;
    let coordinator = coordinator(&database(app.running()), both.clone()).await;
    let began = Instant::now();
    let error = run(&coordinator, &both).await.unwrap_err();
    assert!(began.elapsed() <= Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(error.state(), TransactionState::InDoubt);
    let TransactionError::InDoubt { id, decision: Some(Decision::Committed), pending } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*pending, ["first"]);
    assert!(error.to_string().contains("decided to commit, and not done at `first`"), "{error}");
    assert_eq!((both[0].at(id), both[1].at(id)), (Some(At::Prepared), Some(At::Committed)));
    let entries = unfinished(&store).await;
    assert_eq!((entries.len(), entries[0].decision), (1, Some(Decision::Committed)));
    let done = |name: &str, done| Enrolled { name: name.into(), done };
    assert_eq!(entries[0].participants, [done("first", false), done("second", true)]);
    // The service's own task goes on with it for as long as it takes.
    tokio::time::sleep(Duration::from_mins(6)).await;
    assert_eq!((both[0].at(id), both[1].at(id)), (Some(At::Committed), Some(At::Committed)));
    assert_eq!(unfinished(&store).await, []);
    assert!(!both.iter().any(|participant| participant.calls().contains(&"rollback")));
    assert_eq!(both[1].calls(), ["begin", "prepare", "commit"], "who is done is not asked again");
    right(&both);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_failed_is_not_called_one() {
    let script = Script { rollback: [Act::Fail; 30].into(), ..Script::default() };
    let failing = Script { prepare: [Act::Fail].into(), ..Script::default() };
    let (store, both) = (Flaky::default(), two(script, failing));
    let app = service(store.clone()).await;
    let coordinator = coordinator(&database(app.running()), both.clone()).await;
    let error = run(&coordinator, &both).await.unwrap_err();
    assert_eq!(error.state(), TransactionState::Failed);
    let TransactionError::NotRolledBack { id, pending, cause } = &error else { panic!("{error:?}") };
    assert_eq!(*pending, ["first"]);
    assert!(matches!(**cause, TransactionError::Participant { .. }));
    assert_eq!((both[0].at(id), both[1].at(id)), (Some(At::Prepared), Some(At::Gone)));
    assert_eq!(unfinished(&store).await[0].decision, Some(Decision::Aborted));
    tokio::time::sleep(Duration::from_mins(6)).await;
    assert_eq!(both[0].at(id), Some(At::Gone));
    assert_eq!(unfinished(&store).await, []);
    right(&both);
}

#[tokio::test(start_paused = true)]
async fn a_decision_of_which_nobody_knows_is_in_doubt() {
    // The answers are lost; the decision is written all the same, or is not.
    for (act, expected) in [(Act::HangAfter, At::Committed), (Act::Hang, At::Gone)] {
        let (store, both) = (Flaky::default(), two(Script::default(), Script::default()));
        let app = service(store.clone()).await;
        let coordinator = coordinator(&database(app.running()), both.clone()).await;
        store.decide.lock().unwrap().push_back(act);
        let error = run(&coordinator, &both).await.unwrap_err();
        let TransactionError::InDoubt { id, decision: None, pending } = &error else { panic!("{error:?}") };
        assert_eq!(*pending, ["first", "second"]);
        assert_eq!(both[0].at(id), Some(At::Prepared), "it is not for the coordinator to guess");
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!((both[0].at(id), both[1].at(id)), (Some(expected), Some(expected)));
        assert_eq!(unfinished(&store).await, []);
        right(&both);
    }
    // An answer that is lost once is asked for again.
    for act in [Act::Fail, Act::FailAfter] {
        let (store, both) = (Flaky::default(), two(Script::default(), Script::default()));
        let app = service(store.clone()).await;
        let coordinator = coordinator(&database(app.running()), both.clone()).await;
        store.decide.lock().unwrap().push_back(act);
        assert_eq!(run(&coordinator, &both).await.unwrap(), 7);
        right(&both);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_log_nobody_hears_of_it() {
    let (store, both) = (Flaky::default(), two(Script::default(), Script::default()));
    let app = service(store.clone()).await;
    let coordinator = coordinator(&database(app.running()), both.clone()).await;
    store.enter.lock().unwrap().extend([Act::Fail, Act::FailAfter]);
    for _ in 0..2 {
        let error = run(&coordinator, &both).await.unwrap_err();
        assert!(matches!(error, TransactionError::Log { source: StoreError::Unavailable { .. } }), "{error:?}");
    }
    assert_eq!(both[0].calls(), Vec::<&str>::new());
    assert_eq!(unfinished(&store).await.len(), 1, "it was written all the same");
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(unfinished(&store).await, []);
    right(&both);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_slower_than_a_recovery_rolls_back() {
    let (store, both) = (Flaky::default(), two(Script::default(), Script::default()));
    let app = service(store.clone()).await;
    let coordinator = coordinator(&database(app.running()), both.clone()).await;
    let error = coordinator
        .execute(async |mut tx| {
            tx.of(&both[0])?.write();
            // As another process does, whose clock is ahead.
            let id = tx.id().id().clone();
            assert_eq!(store.inner.decide(&id, Decision::Aborted).await?, Decision::Aborted);
            Ok::<_, BoxError>(())
        })
        .await
        .unwrap_err();
    assert!(matches!(error, TransactionError::TooLate), "{error:?}");
    assert_eq!((both[0].all(), both[1].all()), (vec![At::Gone], vec![At::Gone]));
    assert_eq!(unfinished(&store).await, []);
    right(&both);
}

#[tokio::test(start_paused = true)]
async fn what_is_prepared_for_no_transaction_is_rolled_back_and_what_is_underway_is_not() {
    let (store, both) = (Flaky::default(), two(Script::default(), Script::default()));
    let app = service(store.clone()).await;
    let coordinator = coordinator(&database(app.running()), both.clone()).await;
    let log = store.decisions().log_name().await.unwrap();
    let orphan = swit::two_phase::TransactionId::new(log, "orphan");
    let part = both[0].begin(&orphan).await.unwrap();
    both[0].prepare(&orphan, part).await.unwrap();
    let recovered = coordinator.recover().await.unwrap();
    assert_eq!((recovered.orphans, recovered.resolved, recovered.waiting), (1, 0, 0));
    assert_eq!(both[0].at("orphan"), Some(At::Gone));
    // Another's, of another coordinator on the same database, is left alone, and so is one whose time is not over.
    let enrolled = || vec![Enrolled { name: "first".into(), done: false }];
    let entry = |id: &str, of: &str| Entry {
        id: id.into(),
        coordinator: of.into(),
        begun: std::time::UNIX_EPOCH,
        deadline: std::time::UNIX_EPOCH,
        decision: None,
        participants: enrolled(),
    };
    store.inner.enter(&entry("1", "another")).await.unwrap();
    let living = Entry { deadline: std::time::UNIX_EPOCH + Duration::from_hours(24 * 366), ..entry("2", "shop") };
    store.inner.enter(&living).await.unwrap();
    let recovered = coordinator.recover().await.unwrap();
    assert_eq!((recovered.resolved, recovered.waiting), (0, 1));
    assert_eq!(unfinished(&store).await.len(), 2);
    // One whose participant is no longer there stays, rather than being forgotten.
    let gone = Entry { participants: vec![Enrolled { name: "gone".into(), done: false }], ..entry("3", "shop") };
    store.inner.enter(&gone).await.unwrap();
    let recovered = coordinator.recover().await.unwrap();
    assert_eq!((recovered.resolved, recovered.waiting), (0, 2));
    assert_eq!(unfinished(&store).await.len(), 3);
    right(&both);
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_can_do_nothing_does_not_open() {
    let app = service(Flaky::default()).await;
    let database = database(app.running());
    let open = async |names: &[&'static str]| {
        let mut options = Coordinator::on(&database);
        for name in names {
            options = options.participant(Scripted::new(name, Script::default()));
        }
        options.open().await.unwrap_err()
    };
    assert!(matches!(open(&[]).await, CoordinatorError::Nobody { .. }));
    let twice = open(&["a", "b", "a"]).await.to_string();
    assert_eq!(twice, "two participants of the coordinator `shop` are called `a`; rename one");
    let quoted = open(&["a'b"]).await.to_string();
    assert!(quoted.contains("holds the character '\\''"), "{quoted}");
    let long = open(&["aaaaaaaaaabbbbbbbbbbccccccccccaaaaaaaaaabbbbbbbbbbccccccccccd"]).await.to_string();
    assert!(long.contains("61 characters; use at most 60"), "{long}");
}
