//! Two-phase commit: whatever fails, hangs, panics or is cut off, all participants commit or none does.

mod ends;
mod messages;
#[path = "postgres.rs"]
mod on_postgres;
mod property;
mod recovering;
mod scripted;

use std::time::{Duration, UNIX_EPOCH};

use swit::{
    App, Clock, Database, Running,
    store::Store,
    testing::TestApp,
    two_phase::{Coordinator, TransactionParticipant},
};
use tokio::time::Instant;

pub(crate) use self::scripted::{Act, At, Flaky, Script, Scripted};

/// A service with this database, whose wall clock goes with the paused one.
pub(crate) async fn service(store: impl Store) -> TestApp {
    let began = Instant::now();
    let clock = Clock::injected(move || UNIX_EPOCH + Duration::from_hours(24 * 365) + began.elapsed());
    let app = App::only::<()>().service("shop", "1").store(store).clock(clock);
    // A relay would look for publications all the time that is slept through.
    TestApp::start(app.set("database.relay", false)).await.unwrap()
}

pub(crate) fn database(app: &Running) -> Database {
    app.database().expect("it has one")
}

pub(crate) async fn coordinator(
    database: &Database,
    participants: impl IntoIterator<Item = impl TransactionParticipant>,
) -> Coordinator {
    let mut options = Coordinator::on(database).timeout(Duration::from_secs(10));
    for participant in participants {
        options = options.participant(participant);
    }
    options.open().await.unwrap()
}
