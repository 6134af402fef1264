//! For any strategy, any outcomes and any budget: who succeeded succeeded once, nobody is tried more often than the budget
//! says, and each message ends in exactly one way.

use std::time::Duration;

use proptest::prelude::*;
use swit::{App, testing::TestApp};

use super::{Script, Step, all_or_none, as_can, at_once, in_turn};
use crate::support::task;

const HANDLERS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Sequential,
    Parallel,
    FailFast,
    BestEffort,
}

fn hows() -> impl Strategy<Value = How> {
    prop_oneof![Just(How::Sequential), Just(How::Parallel), Just(How::FailFast), Just(How::BestEffort)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = (1_u64..40).prop_map(Duration::from_millis);
    let step = prop_oneof![
        3 => Just(Step::Succeed),
        2 => wait.clone().prop_map(Step::Last),
        3 => Just(Step::Fail),
        2 => wait.prop_map(Step::FailAfter),
        1 => Just(Step::Break),
        1 => Just(Step::Panic),
        1 => Just(Step::Hang),
    ];
    prop::collection::vec(step, 0..6)
}

/// What came of one message.
#[derive(Debug)]
struct Found {
    lines: Vec<String>,
    attempts: usize,
    succeeded: u64,
    dead: Vec<(String, u32, String)>,
}

impl Found {
    fn count(&self, line: &str) -> usize {
        self.lines.iter().filter(|written| *written == line).count()
    }
}

async fn run(strategy: How, script: Script, retries: i64, backoff: &'static str) -> Found {
    let (app, name) = match strategy {
        How::Sequential => (App::only::<(in_turn,)>(), "in-turn"),
        How::Parallel => (App::only::<(at_once,)>(), "at-once"),
        How::FailFast => (App::only::<(all_or_none,)>(), "all-or-none"),
        How::BestEffort => (App::only::<(as_can,)>(), "as-can"),
    };
    let key = |key: &str| format!("subscriber.{name}.{key}");
    let app = app
        .provide(script.clone())
        .set(&key("retries"), retries)
        .set(&key("timeout"), "1s")
        .set(&key("backoff"), backoff);
    let app = TestApp::start(app).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let found = Found {
        lines: script.lines(),
        attempts: app.calls(name).len(),
        succeeded: app.stats_of(name).unwrap().counts.succeeded,
        dead: app.dead_letters(name).into_iter().map(|dead| (dead.reason, dead.attempts, dead.error)).collect(),
    };
    app.shutdown().await.unwrap();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn partial_success_is_kept_and_a_message_ends_in_one_way(
        strategy in hows(),
        plays in prop::array::uniform3(steps()),
        retries in 0_i64..4,
        // Parked in this process, or through the transport.
        backoff in prop_oneof![Just("none"), Just("fixed(20ms)"), Just("fixed(30s)")],
    ) {
        let mut script = Script::default();
        for (handler, steps) in HANDLERS.into_iter().zip(&plays) {
            script = script.with(handler, steps);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let found = runtime.block_on(run(strategy, script, retries, backoff));

        prop_assert_eq!(found.succeeded + found.dead.len() as u64, 1, "it ends once: {:?}", found);
        let attempts = usize::try_from(retries).unwrap() + 1;
        prop_assert!(found.attempts >= 1 && found.attempts <= attempts, "{:?}", found);
        for handler in HANDLERS {
            let (starts, ends) = (found.count(&format!("{handler} starts")), found.count(&format!("{handler} ends")));
            prop_assert!(ends <= 1, "{} succeeded {} times: {:?}", handler, ends, found);
            prop_assert!(starts <= found.attempts, "{} ran {} times: {:?}", handler, starts, found);
            let last = found.lines.iter().rfind(|line| line.starts_with(handler)).cloned().unwrap_or_default();
            if ends == 1 {
                prop_assert_eq!(last, format!("{handler} ends"), "it ran after it was done: {:?}", found);
            } else if strategy != How::BestEffort {
                prop_assert_eq!(found.dead.len(), 1, "{} is missing, and nobody says so: {:?}", handler, found);
                let (_, _, error) = &found.dead[0];
                let named = error.contains(&format!("`{handler}`:")) || error.contains("cancelled: ");
                prop_assert!(named, "{} is not named: {:?}", handler, found);
            }
        }
        if strategy == How::BestEffort {
            prop_assert_eq!((found.succeeded, found.attempts), (1, 1));
        } else {
            let all = HANDLERS.iter().all(|handler| found.count(&format!("{handler} ends")) == 1);
            prop_assert_eq!(found.succeeded == 1, all, "{:?}", found);
        }
    }
}
