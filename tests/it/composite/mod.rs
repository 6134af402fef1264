//! Composites: strategies, partial success, isolation, policies, and what start-up says of them.

mod around;
mod graph;
mod isolation;
mod mixed;
mod partial;
mod policies;
mod property;
mod publishing;
mod script;
mod strategies;

use std::time::Duration;

use script::{Script, Step, StepError};
use swit::{App, State, event_handler, testing::TestApp};

use crate::support::Task;

/// A composite of three handlers, `a`, `b` and `c`, that play what the script says.
macro_rules! trio {
    ($name:ident, $a:ident, $b:ident, $c:ident, $($keys:tt)*) => {
        swit::composite!(pub(crate) $name, topic = "task.created", $($keys)*);

        #[event_handler(composite = $name, order = 20, name = "b")]
        async fn $b(_task: Task, script: State<Script>) -> Result<(), StepError> {
            script.play("b").await
        }

        #[event_handler(composite = $name, order = 10, name = "a")]
        async fn $a(_task: Task, script: State<Script>) -> Result<(), StepError> {
            script.play("a").await
        }

        #[event_handler(composite = $name, order = 30, name = "c")]
        async fn $c(_task: Task, script: State<Script>) -> Result<(), StepError> {
            script.play("c").await
        }
    };
}

trio!(in_turn, in_turn_a, in_turn_b, in_turn_c, strategy = sequential, retries = 3, backoff = fixed("100ms"));
trio!(at_once, at_once_a, at_once_b, at_once_c, strategy = parallel, retries = 3, backoff = fixed("100ms"));
trio!(
    all_or_none,
    all_or_none_a,
    all_or_none_b,
    all_or_none_c,
    strategy = fail_fast,
    retries = 3,
    backoff = fixed("100ms")
);
trio!(as_can, as_can_a, as_can_b, as_can_c, strategy = best_effort, retries = 3, backoff = fixed("100ms"));

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// One composite that plays this.
async fn start<H: swit::Handlers>(script: &Script) -> TestApp {
    TestApp::start(App::only::<H>().provide(script.clone())).await.unwrap()
}
