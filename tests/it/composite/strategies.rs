//! How the handlers of each strategy run beside each other.

use tokio::time::Instant;

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

#[tokio::test(start_paused = true)]
async fn parallel_starts_all_before_any_ends_and_waits_for_all() {
    let last = [Step::Last(ms(50))];
    let script = Script::default().with("a", &last).with("b", &[Step::Fail]).with("c", &last);
    let app = start::<(at_once,)>(&script).await;
    let began = Instant::now();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(
        script.lines(),
        [
            "a starts", "b starts", "b fails", "c starts", "a ends", "c ends", // who fails cancels nobody
            "b starts", "b ends"
        ]
    );
    // 50 ms for all of the first attempt, 100 ms until the second.
    assert_eq!(began.elapsed().as_millis() / 10, 15);
    assert_eq!(app.calls("at-once").len(), 2);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn fail_fast_cancels_the_others_and_runs_them_again_with_it() {
    let script = Script::default().with("a", &[Step::Hang]).with("b", &[Step::FailAfter(ms(10))]);
    let app = start::<(all_or_none,)>(&script).await;
    let began = Instant::now();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(
        script.lines(),
        [
            "a starts",
            "b starts",
            "c starts",
            "c ends",
            "b fails",
            "a dropped", // `c` was through by then
            "a starts",
            "a ends",
            "b starts",
            "b ends"
        ]
    );
    // 10 ms until `b` fails, 100 ms until the second attempt; nobody waited for `a`.
    assert_eq!(began.elapsed().as_millis() / 10, 11);
    assert!(app.dead_letters("all-or-none").is_empty());
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn fail_fast_gives_the_message_up_with_the_first_that_is() {
    let script = Script::default().with("a", &[Step::Hang]).with("b", &[Step::Break]);
    let app = start::<(all_or_none,)>(&script).await;
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(script.lines(), ["a starts", "b starts", "b fails", "a dropped"], "`c` was spared");
    let dead = app.dead_letters("all-or-none");
    assert_eq!((dead.len(), dead[0].reason.as_str(), dead[0].attempts), (1, "permanent", 1));
    assert_eq!(dead[0].error, "`b`: `b` never will; cancelled: a, c");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn best_effort_succeeds_whatever_fails() {
    let script = Script::default().with("a", &[Step::Break]).with("b", &[Step::Panic]).with("c", &[Step::Last(ms(5))]);
    let app = start::<(as_can,)>(&script).await;
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(script.lines(), ["a starts", "a fails", "b starts", "b dropped", "c starts", "c ends"]);
    let counts = app.stats_of("as-can").unwrap().counts;
    assert_eq!((counts.attempts, counts.succeeded, counts.failed, counts.handlers_failed), (1, 1, 0, 2));
    assert!(app.dead_letters("as-can").is_empty());
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn best_effort_waits_no_longer_than_an_attempt_may_take() {
    let script = Script::default().with("a", &[Step::Hang]);
    let app = start::<(as_can,)>(&script).await;
    let began = Instant::now();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(began.elapsed().as_secs(), 30);
    assert_eq!(script.lines(), ["a starts", "b starts", "b ends", "c starts", "c ends", "a dropped"]);
    let counts = app.stats_of("as-can").unwrap().counts;
    assert_eq!((counts.attempts, counts.succeeded, counts.failed, counts.handlers_failed), (1, 1, 0, 1));
    assert!(app.dead_letters("as-can").is_empty());
    app.shutdown().await.unwrap();
}
