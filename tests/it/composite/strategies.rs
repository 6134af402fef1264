//! How the handlers of each strategy run beside each other.

use super::{Script, Step, all_or_none, as_can, at_once, in_turn, ms, start};
use crate::support::task;

#[tokio::test(start_paused = true)]
async fn sequential_runs_in_order_and_goes_on_after_a_failure() {
    let script = Script::default().with("a", &[Step::FailAfter(ms(50))]).with("b", &[Step::Last(ms(10))]);
    let app = start::<(in_turn,)>(&script).await;
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(
        script.lines(),
        [
            "a starts", "a fails", "b starts", "b ends", "c starts", "c ends", // the first attempt
            "a starts", "a ends" // the second
        ]
    );
    assert_eq!(app.calls("in-turn").len(), 2);
    assert!(app.dead_letters("in-turn").is_empty());
    app.shutdown().await.unwrap();
}
