//! The series of sagas.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swit::{App, Classify, stores::MemoryStore, testing::TestApp};

use super::page::Page;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Trip {
    key: String,
    /// Its second step fails for good.
    fails: bool,
    /// So does what undoes the first.
    sticks: bool,
}

#[derive(Debug, thiserror::Error, Classify)]
#[error("no")]
#[class(permanent)]
struct No;

#[swit::saga(key = key, name = "metered-trip")]
impl Trip {
    #[step(compensate = release)]
    async fn reserve(&self) -> Result<(), No> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(())
    }

    #[compensation]
    async fn release(&self) -> Result<(), No> {
        if self.sticks { Err(No) } else { Ok(()) }
    }

    #[step(no_compensation)]
    async fn pay(&self) -> Result<(), No> {
        if self.fails { Err(No) } else { Ok(()) }
    }

    #[step(no_compensation, after = "1h")]
    async fn remind(&self) -> Result<(), No> {
        Ok(())
    }
}

async fn started() -> TestApp {
    TestApp::start(App::only::<()>().store(MemoryStore::new()).with_saga::<Trip>()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_becomes_of_instances_is_counted_by_saga_step_and_state() {
    let app = started().await;
    let sagas = app.running().sagas::<Trip>().unwrap();
    for (key, fails, sticks) in [("well", false, false), ("ill", true, false), ("stuck", true, true)] {
        sagas.start(&Trip { key: key.to_owned(), fails, sticks }).await.unwrap();
    }
    for key in ["ill", "stuck"] {
        sagas.ended(key).await.unwrap();
    }
    // The one that is well rests before its last step.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let page = Page::of(&app).await;
    for (family, expected) in [
        ("saga_started_total", vec!["{saga=\"metered-trip\"} 3"]),
        ("saga_ended_total", vec!["{saga=\"metered-trip\",state=\"compensated\"} 1"]),
        ("saga_parked_total", vec!["{saga=\"metered-trip\"} 1"]),
        ("saga_running", vec![]),
        (
            "saga_steps_total",
            vec![
                "{saga=\"metered-trip\",step=\"pay\",status=\"error\"} 2",
                "{saga=\"metered-trip\",step=\"pay\",status=\"success\"} 1",
                "{saga=\"metered-trip\",step=\"reserve\",status=\"success\"} 3",
            ],
        ),
        (
            "saga_compensations_total",
            vec![
                "{saga=\"metered-trip\",step=\"reserve\",status=\"error\"} 1",
                "{saga=\"metered-trip\",step=\"reserve\",status=\"success\"} 1",
            ],
        ),
        (
            "saga_instances",
            vec!["{saga=\"metered-trip\",state=\"failed\"} 1", "{saga=\"metered-trip\",state=\"step_completed\"} 1"],
        ),
        ("saga_instances_parked", vec!["{saga=\"metered-trip\"} 1"]),
    ] {
        assert_eq!(page.of_family(family), expected, "{family}");
    }
    let took = "saga_step_duration_seconds";
    assert_eq!(page.value(&format!("{took}_count{{saga=\"metered-trip\",step=\"reserve\"}}")), 3.0);
    let bucket = |bound: &str| format!("{took}_bucket{{saga=\"metered-trip\",step=\"reserve\",le=\"{bound}\"}}");
    assert_eq!((page.value(&bucket("0.01")), page.value(&bucket("0.04"))), (0.0, 3.0));

    tokio::time::sleep(Duration::from_hours(1)).await;
    sagas.ended("well").await.unwrap();
    let page = Page::of(&app).await;
    assert_eq!(page.value("saga_ended_total{saga=\"metered-trip\",state=\"completed\"}"), 1.0);
    assert_eq!(page.of_family("saga_instances"), ["{saga=\"metered-trip\",state=\"failed\"} 1"]);
}

#[tokio::test(start_paused = true)]
async fn what_runs_now_is_shown_and_all_series_are_there_from_the_start() {
    let app = started().await;
    let before = Page::of(&app).await;
    assert_eq!(before.value("saga_ended_total{saga=\"metered-trip\",state=\"timed_out\"}"), 0.0);
    assert_eq!(before.value("saga_steps_total{saga=\"metered-trip\",step=\"remind\",status=\"error\"}"), 0.0);
    assert_eq!(before.value("saga_instances{saga=\"metered-trip\",state=\"compensating\"}"), 0.0);
    // What is over is in no table that is counted, and what can't be undone is never tried to be.
    assert!(!before.values.contains_key("swit_messaging_saga_instances{saga=\"metered-trip\",state=\"completed\"}"));
    assert!(!before.values.keys().any(|series| series.contains("compensations") && series.contains("remind")));

    let sagas = app.running().sagas::<Trip>().unwrap();
    sagas.start(&Trip { key: "well".to_owned(), fails: false, sticks: false }).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    let page = Page::of(&app).await;
    assert_eq!(page.of_family("saga_running"), ["{saga=\"metered-trip\"} 1"]);
    assert_eq!(before.values.keys().collect::<Vec<_>>(), page.values.keys().collect::<Vec<_>>());
}
