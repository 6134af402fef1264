//! `[saga.NAME]`: what a deployment changes of a saga.

use std::{convert::Infallible, time::Duration};

use serde::{Deserialize, Serialize};
use swit::{App, State, sagas::SagaState, store::Store as _, stores::MemoryStore, testing::TestApp};

use crate::support::Journal;

#[derive(Debug, Serialize, Deserialize)]
struct Errand {
    key: String,
}

#[swit::saga(key = key, name = "configured-errand", concurrency = 2)]
impl Errand {
    #[step(no_compensation)]
    async fn go(&self, journal: State<Journal>) -> Result<(), Infallible> {
        journal.note(format!("{} goes", self.key));
        tokio::time::sleep(Duration::from_secs(1)).await;
        journal.note(format!("{} is back", self.key));
        Ok(())
    }
}

fn errand(key: &str) -> Errand {
    Errand { key: key.to_owned() }
}

fn app(store: &MemoryStore, journal: &Journal) -> App {
    App::only::<()>().store(store.clone()).provide(journal.clone()).with_saga::<Errand>()
}

#[tokio::test(start_paused = true)]
async fn a_process_that_does_not_run_a_saga_starts_it_for_those_that_do() {
    let (store, journal) = (MemoryStore::new(), Journal::default());
    let front = app(&store, &journal).set("saga.configured-errand.enabled", false);
    let front = TestApp::start(front).await.unwrap();
    let sagas = front.running().sagas::<Errand>().unwrap();
    assert!(sagas.start(&errand("a")).await.unwrap().is_new);
    assert!(!sagas.start(&errand("a")).await.unwrap().is_new);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(sagas.find("a").await.unwrap().unwrap().state, SagaState::Pending);
    assert_eq!(journal.lines(), Vec::<String>::new());
    // It is nobody's, and nothing of it has begun: whoever takes it over is in no doubt.
    let row = store.sagas().load("configured-errand", "a").await.unwrap().unwrap();
    assert!(row.owner.is_empty() && row.due.is_some() && row.journal.contains("\"rests\":true"), "{row:?}");

    let back = TestApp::start(app(&store, &journal)).await.unwrap();
    assert_eq!(sagas.ended("a").await.unwrap().state, SagaState::Completed);
    // What is started while others run is found by them.
    sagas.start(&errand("b")).await.unwrap();
    assert_eq!(sagas.ended("b").await.unwrap().state, SagaState::Completed);
    assert_eq!(journal.lines(), ["a goes", "a is back", "b goes", "b is back"]);
    // One that nobody runs is cancelled as any other.
    back.shutdown().await.unwrap();
    sagas.start(&errand("c")).await.unwrap();
    assert_eq!(sagas.cancel("c").await.unwrap(), Some(SagaState::Pending));
    let _back = TestApp::start(app(&store, &journal)).await.unwrap();
    assert_eq!(sagas.ended("c").await.unwrap().state, SagaState::Cancelled);
    assert_eq!(journal.lines().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_once_than_is_configured() {
    for (concurrency, expected) in [(None, 2), (Some(1), 1), (Some(3), 3)] {
        let (store, journal) = (MemoryStore::new(), Journal::default());
        let mut app = app(&store, &journal);
        if let Some(concurrency) = concurrency {
            app = app.set("saga.configured-errand.concurrency", concurrency);
        }
        let app = TestApp::start(app).await.unwrap();
        let sagas = app.running().sagas::<Errand>().unwrap();
        for key in ["a", "b", "c"] {
            sagas.start(&errand(key)).await.unwrap();
        }
        for key in ["a", "b", "c"] {
            assert_eq!(sagas.ended(key).await.unwrap().state, SagaState::Completed);
        }
        let (mut out, mut most) = (0, 0);
        for line in journal.lines() {
            out = if line.ends_with("goes") { out + 1 } else { out - 1 };
            most = most.max(out);
        }
        assert_eq!(most, expected, "{concurrency:?}: {:?}", journal.lines());
    }
}

#[test]
fn what_is_wrong_is_told_before_anything_starts() {
    for (key, value, expected) in [
        (
            "saga.configured-erand.enabled",
            1,
            "there is no saga `configured-erand`\n      help: did you mean `configured-errand`?",
        ),
        ("saga.configured-errand.enabled", 1, "write `true` or `false`"),
        ("saga.configured-errand.concurrency", 0, "0 is not between 1 and 65535"),
        ("saga.configured-errand.retries", 1, "there is no key `retries`\n      help: keys: `concurrency`, `enabled`"),
    ] {
        let app = app(&MemoryStore::new(), &Journal::default()).set(key, value);
        let report = app.check().unwrap_err().to_string();
        assert!(report.contains(expected), "{key}: {report}");
    }
    // One file serves programs of several roles: a saga that is linked may stand there, whether or not this app has it.
    App::only::<()>().set("saga.configured-errand.enabled", false).check().unwrap();
}

#[test]
fn a_saga_is_drawn_with_its_steps() {
    let app = || app(&MemoryStore::new(), &Journal::default());
    let view = app().check().unwrap().view();
    let [saga] = &view.sagas[..] else { panic!("{:?}", view.sagas) };
    assert_eq!((&*saga.name, saga.version, saga.enabled), ("configured-errand", 1, true));
    assert!(saga.location.contains("configured.rs:"), "{}", saga.location);
    assert_eq!(saga.steps, ["go"]);
    assert!(view.mermaid().contains("g_configured_2d_errand[[\"configured-errand<br/>saga, version 1<br/>1 go<br/>"));
    let elsewhere = app().set("saga.configured-errand.enabled", false).check().unwrap().view();
    assert!(!elsewhere.sagas[0].enabled && elsewhere.mermaid().contains("\"]]:::disabled"), "{}", elsewhere.mermaid());
}
