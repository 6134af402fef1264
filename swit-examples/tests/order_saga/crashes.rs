//! Fault 37: killed before and after each step, and before and after each commit. The next start goes on, and every order is
//! completed or fully compensated.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
};

use crate::{binary::TempFile, effects, ground::Ground, oracle};

/// So many at once: they wait for leases more than they work.
const SIDE_BY_SIDE: usize = 8;

/// An order of each sort: they make 23 calls of steps and compensations.
fn orders() -> String {
    let order = |id: &str, sku: &str, token: &str| {
        format!(
            r#"{{"order_id":"{id}","customer_id":"c","currency":"EUR","placed_at":"2026-01-01T00:00:00Z","items":[{{"sku":"{sku}","quantity":1,"unit_price":"1.50"}}],"payment":{{"method":"card","token":"{token}"}}}}"#
        )
    };
    [
        order("paid", "s", "tok_1"),
        order("declined", "s", "tok_declined"),
        order("in-doubt", "s", "tok_panic"),
        order("out-of-stock", "OOS-1", "tok_1"),
    ]
    .join("\n")
}

/// Kills at each of these places, each time on a ground of its own, and has the next start go on.
fn go_on(places: &[String], ground: impl Fn(usize) -> Ground + Sync) {
    let input = orders();
    let file = TempFile::with(&input);
    let next = Mutex::new(places.iter().enumerate());
    let one = |number: usize, place: &str, input: &Path| {
        let ground = ground(number);
        ground.crash(input, place);
        let summary = ground.run(input);
        oracle::expect(orders().as_bytes()).check_outcomes(&summary);
        effects::check(&ground, place);
    };
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let Some((number, place)) = next.lock().unwrap_or_else(PoisonError::into_inner).next() else {
                        break;
                    };
                    one(number, place, file.path());
                }
            });
        }
    });
}

fn places(numbers: &(impl Iterator<Item = usize> + Clone), names: &[&str]) -> Vec<String> {
    names.iter().flat_map(|name| numbers.clone().map(move |number| format!("{name}:{number}"))).collect()
}

#[test]
fn on_sqlite_killed_before_and_after_each_step_all_is_done_or_undone() {
    go_on(&places(&(1..=23), &["before_step", "after_step"]), |_| Ground::sqlite());
}

#[test]
fn on_sqlite_killed_before_and_after_commits_all_is_done_or_undone() {
    go_on(&places(&(1..=25).step_by(3), &["before_commit", "after_commit"]), |_| Ground::sqlite());
}

#[test]
fn on_postgres_killed_before_or_after_each_step_all_is_done_or_undone() {
    let server = Ground::postgres();
    let server = Mutex::new(&server);
    let beside = |number| server.lock().unwrap_or_else(PoisonError::into_inner).beside(&format!("orders_{number}"));
    // Each call of a step, on one side of it or the other.
    let before = places(&(1..=23).step_by(2), &["before_step"]);
    go_on(&[before, places(&(2..=23).step_by(2), &["after_step"])].concat(), beside);
}
