//! Handlers that are in each other's way, which only a server allows: SQLite has one writer at a time.

use swit_faults::{Conduct, rig::HEALING};

use super::{
    Ground, Kind,
    ground::{configuration, end},
};

/// Crosses two rows from both ends, in transactions that are isolated like this, which has to make the database say `says`.
fn cross(isolation: &str, says: &str) {
    const CROSSED: u64 = 60;
    let ground = Ground::start(Kind::Postgres);
    // Deadlocks are looked for at once.
    let settings = format!("-c%20deadlock_timeout%3D5ms%20-c%20default_transaction_isolation%3D{isolation}");
    let url = format!("{}&options={settings}", ground.postgres().url());
    let configuration = configuration(&url, "");
    let service = ground.service(&[("FAULTY_CONFIGURATION", &configuration)]);
    ground.rig.producer(0, CROSSED, &[Conduct::Cross], &[]).wait(HEALING);
    let record = ground.settle();
    assert_eq!(record.confirmed.len() as u64, CROSSED);
    for name in ["a", "b"] {
        let times = ground.number(&format!("SELECT times FROM crossed WHERE name = '{name}'"));
        assert_eq!(times, i64::try_from(CROSSED).ok(), "C: `{name}`");
    }
    assert!(ground.said(says) > 0, "nobody was in anybody's way\n{}", ground.rig.logs());
    end(service);
}

/// Fault 35: one of two is chosen to fail, and is tried again.
#[test]
fn a_deadlock_is_tried_again() {
    cross("read%5C%20committed", "deadlock detected");
}

/// Fault 35: whoever would not have seen what another wrote is tried again.
#[test]
fn a_serialization_failure_is_tried_again() {
    cross("serializable", "could not serialize access");
}
