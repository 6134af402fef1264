//! Killed at any moment, again and again: after the last start every order has one outcome, and each step one effect.

use std::{thread, time::Duration};

use rand::RngExt as _;
use swit_testbed::Seed;

use crate::{binary::TempFile, effects, ground::Ground, oracle, runs::generated};

/// `kill -9` so many times over so many processes, then one more to the end.
fn killed(test: &str, ground: &Ground, (times, processes): (usize, usize), lines: u64) {
    let seed = Seed::draw(test);
    let mut rng = seed.rng();
    let input = generated(lines, rng.random());
    let (file, expected) = (TempFile::with(&input), oracle::expect(&input));
    let mut running = Vec::new();
    for turn in 0..times {
        while running.len() < processes {
            running.push(ground.start(file.path()));
        }
        ground.until_more_than(ground.ended());
        thread::sleep(Duration::from_millis(rng.random_range(0..150)));
        running.swap_remove(turn % processes).kill();
    }
    running.into_iter().for_each(crate::ground::Running::kill);
    let ended = ground.ended();
    let summary = ground.run(file.path());
    expected.check_outcomes(&summary);
    effects::check(ground, test);
    ground.gave_nothing_up();
    let read = summary["read"].as_u64().unwrap();
    assert!(ended < read, "all {read} were over at the last kill: it hit nothing");
}

#[test]
fn on_sqlite_five_kills_do_no_harm() {
    killed("on_sqlite_five_kills_do_no_harm", &Ground::sqlite(), (5, 1), 600);
}

#[test]
fn on_postgres_and_rabbitmq_five_kills_do_no_harm() {
    let ground = Ground::postgres().on_rabbitmq();
    killed("on_postgres_and_rabbitmq_five_kills_do_no_harm", &ground, (5, 1), 600);
}

#[test]
#[ignore = "slow: scripts/soak runs it"]
fn on_sqlite_killed_again_and_again() {
    killed("on_sqlite_killed_again_and_again", &Ground::sqlite(), (20, 1), 3_000);
}

/// Two processes share the work, and both take the same file in.
#[test]
#[ignore = "slow: scripts/soak runs it"]
fn on_postgres_and_rabbitmq_killed_again_and_again() {
    let ground = Ground::postgres().on_rabbitmq();
    killed("on_postgres_and_rabbitmq_killed_again_and_again", &ground, (20, 2), 3_000);
}
