//! These tests are run against a build whose guarantees are broken, and have to notice. Each runs this very binary again.

use std::process::Command;

fn is_noticed(sabotage: &str, test: &str, says: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("SWIT_SABOTAGE", sabotage)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("running 1 test"), "there is no test `{test}`");
    assert!(!output.status.success(), "`{test}` does not notice `{sabotage}`\n{said}");
    assert!(said.contains(says), "`{test}` fails by `{sabotage}`, but does not say {says:?}\n{said}");
}

/// What was paid without anybody knowing is not given back.
#[test]
#[ignore = "slow: scripts/soak runs it"]
fn trusting_the_doubtful() {
    let test = "crashes::on_sqlite_killed_before_and_after_each_step_all_is_done_or_undone";
    is_noticed("trust_the_doubtful", test, "C: how often each thing was done of `in-doubt`");
}

/// Messages are gone with the process that had them.
#[test]
#[ignore = "slow: scripts/soak runs it"]
fn ack_before_handler() {
    is_noticed("ack_before_handler", "kills::on_postgres_and_rabbitmq_five_kills_do_no_harm", "NOT BALANCED");
}
