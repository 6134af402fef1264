//! How a service says it is: each part of it, what makes it not ready, and what does not.

mod admin;
mod checks;
mod states;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use swit::{State, health_check, provider};

/// What the checks below answer, and how often they were called.
#[derive(Debug, Clone, Default)]
pub(super) struct Patient(Arc<Condition>);

#[derive(Debug, Default)]
struct Condition {
    says: Mutex<Says>,
    calls: AtomicU32,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Says {
    #[default]
    Well,
    Ill(&'static str),
    Nothing,
    Takes(Duration),
    Panics,
    Blocks(Duration),
}

impl Patient {
    pub(super) fn says(&self, says: Says) {
        *self.0.says.lock().unwrap() = says;
    }

    pub(super) fn calls(&self) -> u32 {
        self.0.calls.load(Ordering::SeqCst)
    }

    async fn ask(&self) -> Result<(), String> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        let says = *self.0.says.lock().unwrap();
        match says {
            Says::Well => Ok(()),
            Says::Ill(why) => Err(why.to_owned()),
            Says::Nothing => std::future::pending().await,
            Says::Takes(time) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Says::Panics => panic!("the check panics on purpose"),
            Says::Blocks(time) => {
                std::thread::sleep(time);
                Ok(())
            }
        }
    }
}

#[health_check(name = "patient", timeout = "2s")]
async fn patient(patient: State<Patient>) -> Result<(), String> {
    patient.ask().await
}

/// Nothing depends on it.
#[health_check(critical = false)]
async fn of_no_importance(patient: State<Patient>) -> Result<(), String> {
    patient.ask().await
}

#[health_check(timeout = "10s")]
async fn is_slow() -> Result<(), std::convert::Infallible> {
    tokio::time::sleep(Duration::from_secs(3)).await;
    Ok(())
}

pub(super) struct Ward(Patient);

impl Ward {
    async fn health(&self) -> Result<(), String> {
        self.0.ask().await
    }
}

pub(super) struct Garden(Patient);

impl Garden {
    async fn health(&self) -> Result<(), String> {
        self.0.ask().await
    }
}

/// Nothing depends on it either.
#[provider(health(check = Garden::health, timeout = "700ms", critical = false))]
async fn lay_out_garden(patient: State<Patient>) -> Result<Garden, std::convert::Infallible> {
    Ok(Garden(Patient::clone(&patient)))
}

#[provider(health = Ward::health)]
async fn open_ward(patient: State<Patient>) -> Result<Ward, std::convert::Infallible> {
    Ok(Ward(Patient::clone(&patient)))
}
