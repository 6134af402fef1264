//! Whatever each step does, and wherever the coordinator is cut off: all participants commit or none does, and in the end
//! nothing is left.

use std::{collections::VecDeque, time::Duration};

use proptest::prelude::*;
use swit::{
    BoxError,
    store::{Decision, Store},
    two_phase::{TransactionError, TransactionState},
};

use super::{Act, At, Flaky, Script, Scripted, coordinator, database, service};

const NAMES: [&str; 3] = ["first", "second", "third"];

fn acts(most: usize) -> impl Strategy<Value = VecDeque<Act>> {
    let act = prop_oneof![6 => Just(Act::Well), 4 => prop::sample::select(Act::ALL.to_vec())];
    prop::collection::vec(act, 0..=most).prop_map(Into::into)
}

/// A few of whatever, or so much of one thing that it is not done in time.
fn last_acts() -> impl Strategy<Value = VecDeque<Act>> {
    let stubborn = prop::sample::select(vec![Act::Fail, Act::FailAfter, Act::Hang]);
    prop_oneof![4 => acts(5), 1 => stubborn.prop_map(|act| [act; 20].into())]
}

fn script() -> impl Strategy<Value = Script> {
    (acts(1), acts(1), last_acts(), last_acts()).prop_map(|(begin, prepare, commit, rollback)| Script {
        begin,
        prepare,
        commit,
        rollback,
    })
}

#[derive(Debug)]
struct Found {
    ended: Option<Result<(), TransactionError>>,
    /// When it ended, or was cut off.
    then: Vec<Vec<At>>,
    /// After recovery.
    last: Vec<Vec<At>>,
    wrong: Vec<String>,
    left: usize,
}

async fn run(scripts: Vec<Script>, log: [VecDeque<Act>; 3], cut: Option<u64>) -> Found {
    let store = Flaky::default();
    let app = service(store.clone()).await;
    let database = database(app.running());
    let all: Vec<_> = NAMES.into_iter().zip(scripts).map(|(name, script)| Scripted::new(name, script)).collect();
    let first = coordinator(&database, all.clone()).await;
    let [enter, decide, erase] = log;
    *store.enter.lock().unwrap() = enter;
    *store.decide.lock().unwrap() = decide;
    *store.erase.lock().unwrap() = erase;
    let running = first.execute(async |mut tx| {
        for participant in &all {
            tx.of(participant)?.write();
        }
        Ok::<_, BoxError>(())
    });
    let ended = match cut {
        Some(millis) => tokio::time::timeout(Duration::from_millis(millis), running).await.ok(),
        None => Some(running.await),
    };
    let states = || all.iter().map(Scripted::all).collect::<Vec<_>>();
    let then = states();
    // As a new process finds it.
    drop(first);
    let _second = coordinator(&database, all.clone()).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    let left = store.decisions().unfinished("", 10).await.unwrap().len();
    Found { ended, then, last: states(), wrong: all.iter().flat_map(Scripted::wrong).collect(), left }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_or_none(
        scripts in prop::collection::vec(script(), 1..=3),
        log in (acts(1), acts(3), acts(2)),
        cut in prop_oneof![Just(None), (0_u64..4_000).prop_map(Some), (0_u64..30_000).prop_map(Some)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let found = runtime.block_on(run(scripts, [log.0, log.1, log.2], cut));

        prop_assert!(found.wrong.is_empty(), "{:?}", found);
        prop_assert_eq!(found.left, 0, "it is never over: {:?}", found);
        let all = |states: &[Vec<At>], at: At| states.iter().all(|states| *states == [at]);
        let none = |states: &[Vec<At>]| states.iter().flatten().all(|at| *at == At::Gone);
        let committed = all(&found.last, At::Committed);
        prop_assert!(committed || none(&found.last), "some committed and some did not: {:?}", found);
        match &found.ended {
            None => {}
            Some(Ok(())) => prop_assert!(all(&found.then, At::Committed), "{:?}", found),
            Some(Err(error)) => match (error.state(), error) {
                (TransactionState::RolledBack, _) => prop_assert!(none(&found.then) && !committed, "{:?}", found),
                (TransactionState::Failed, _) => prop_assert!(!committed, "{:?}", found),
                (_, TransactionError::InDoubt { decision: Some(Decision::Committed), .. }) => {
                    prop_assert!(committed, "{:?}", found);
                }
                _ => {}
            },
        }
    }
}
