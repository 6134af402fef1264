//! What operators do with instances, from another process: its database is all that it has.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use swit::{
    App, Classify, Error, State,
    sagas::{SagaState, SagaStatus, Sagas},
};
use swit_runtime::app::cli::{execute, parse};
use swit_testbed::folder::Folder;

#[derive(Debug, Serialize, Deserialize)]
struct Visit {
    key: String,
}

#[derive(Debug, thiserror::Error, Classify)]
#[error("the hotel refuses")]
#[class(permanent)]
struct Refused;

/// Whether what undoes the first step works.
#[derive(Debug, Clone, Default)]
struct Willing(Arc<AtomicBool>);

#[swit::saga(key = key, name = "operated-visit")]
impl Visit {
    #[step(compensate = free)]
    async fn book(&self) -> Result<u32, Refused> {
        Ok(7)
    }

    #[compensation]
    async fn free(&self, willing: State<Willing>) -> Result<(), Refused> {
        if willing.0.load(Ordering::Relaxed) { Ok(()) } else { Err(Refused) }
    }

    #[step(no_compensation, after = "1d")]
    async fn arrive(&self) -> Result<(), Refused> {
        Ok(())
    }
}

/// A program that has neither the saga nor a broker.
async fn operate(url: &str, words: &[&str]) -> Result<(), Error> {
    let words = ["saga"].iter().chain(words).map(Into::into);
    execute(App::only::<()>().set("database.url", url), parse(words)?).await
}

/// The instance, once it is so.
async fn once(sagas: &Sagas<Visit>, key: &str, is_so: impl Fn(&SagaStatus) -> bool) -> SagaStatus {
    for _ in 0..1_000 {
        let found = sagas.find(key).await.unwrap().unwrap();
        if is_so(&found) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", sagas.find(key).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_changed_by_whoever_has_the_database() {
    let folder = Folder::temporary("operated");
    let url = format!("sqlite:{}", folder.path().join("a.db").display());
    let willing = Willing::default();
    let app = App::only::<()>().with_saga::<Visit>().provide(willing.clone());
    let app = app.set("database.url", url.as_str()).set("database.poll", "50ms");
    let running = app.start().await.unwrap();
    let sagas = running.sagas::<Visit>().unwrap();
    for key in ["a", "b"] {
        sagas.start(&Visit { key: key.to_owned() }).await.unwrap();
        once(&sagas, key, |found| found.state == SagaState::StepCompleted).await;
    }

    operate(&url, &["cancel", "operated-visit", "a"]).await.unwrap();
    let parked = once(&sagas, "a", |found| found.parked.is_some()).await;
    assert_eq!(parked.state, SagaState::Failed);
    assert!(parked.parked.unwrap().contains("the hotel refuses"));
    willing.0.store(true, Ordering::Relaxed);
    operate(&url, &["resume", "operated-visit", "a"]).await.unwrap();
    once(&sagas, "a", |found| found.state == SagaState::Cancelled).await;

    operate(&url, &["compensate", "operated-visit", "b"]).await.unwrap();
    once(&sagas, "b", |found| found.state == SagaState::Compensated).await;

    // Those that are over stay as they are; what is looked at, too.
    let before = sagas.find("b").await.unwrap().unwrap().updated_at;
    for words in [
        &["cancel", "operated-visit", "b"] as &[&str],
        &["resume", "operated-visit", "b"],
        &["show", "operated-visit", "b", "--json"],
        &["list", "--state", "compensated", "--saga", "operated-visit"],
    ] {
        operate(&url, words).await.unwrap();
    }
    let after = sagas.find("b").await.unwrap().unwrap();
    assert_eq!((after.state, after.updated_at), (SagaState::Compensated, before));

    for (words, expected) in [
        (&["show", "operated-visit", "c"] as &[&str], "there is no instance `c` of a saga `operated-visit`"),
        (&["cancel", "operated-visitt", "b"], "there is no instance `b` of a saga `operated-visitt`"),
    ] {
        let error = operate(&url, words).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    running.shutdown().await.unwrap();
}
