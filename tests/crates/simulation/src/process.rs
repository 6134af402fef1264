//! One process of the service, as its outside sees it: it calls, and may be late, suspended, or dead.
//!
//! A dead process is one of whose calls none is ever answered: the world then drops what is left of it.

use std::{
    fmt,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use swit::StoreError;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    weather::Fault,
    world::{World, lock},
};

pub(crate) struct Process {
    pub(crate) world: Arc<World>,
    /// From 1; no two have the same.
    pub(crate) number: u32,
    dead: AtomicBool,
    died: Notify,
    suspended: Mutex<Option<Instant>>,
}

/// What the gate has made of a call.
pub(crate) enum Passed<T> {
    /// It was answered.
    Answered(T),
    /// Another transaction was in the way.
    Conflict,
    /// The connection was lost.
    Lost,
}

impl Process {
    pub(crate) fn new(world: Arc<World>, number: u32) -> Arc<Self> {
        let (dead, died, suspended) = (AtomicBool::new(false), Notify::new(), Mutex::new(None));
        Arc::new(Self { world, number, dead, died, suspended })
    }

    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        self.world.note(self.number, what);
    }

    /// Resolves when it has died.
    pub(crate) async fn died(&self) {
        self.died.notified().await;
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    async fn die(&self) {
        if !self.dead.swap(true, Ordering::Relaxed) {
            self.note(format_args!("dies"));
            self.died.notify_one();
        }
        pending::<()>().await;
    }

    /// Goes on once it is not suspended, and never if it is dead.
    pub(crate) async fn alive(&self) {
        loop {
            if self.is_dead() || self.world.is_endless() {
                return pending().await;
            }
            let until = *lock(&self.suspended);
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => sleep_until(until).await,
                None => return,
            }
        }
    }

    fn suspend(&self, time: std::time::Duration) {
        *lock(&self.suspended) = Some(Instant::now() + time);
    }

    /// Makes a call of it, in the world's weather.
    pub(crate) async fn pass<T>(&self, what: String, effect: impl Future<Output = T>) -> Passed<T> {
        self.alive().await;
        let fault = self.world.next_fault();
        match fault {
            None => self.note(format_args!("{what}")),
            Some(fault) => self.note(format_args!("{what}: {fault:?}")),
        }
        match fault {
            Some(Fault::Late(time)) => sleep(time).await,
            Some(Fault::Suspend(time)) => self.suspend(time),
            Some(Fault::Crash) => return self.die_here().await,
            Some(Fault::Conflict) => return Passed::Conflict,
            Some(Fault::Lost) => return Passed::Lost,
            _ => {}
        }
        self.alive().await;
        let answer = effect.await;
        match fault {
            Some(Fault::CrashAfter) => return self.die_here().await,
            Some(Fault::SuspendAfter(time)) => self.suspend(time),
            Some(Fault::LostAfter) => return Passed::Lost,
            _ => {}
        }
        self.alive().await;
        Passed::Answered(answer)
    }

    async fn die_here<T>(&self) -> T {
        self.die().await;
        pending().await
    }

    /// Makes a call of the store.
    pub(crate) async fn ask<T>(
        &self,
        what: String,
        doing: &'static str,
        effect: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self.pass(what, effect).await {
            Passed::Answered(answer) => answer,
            Passed::Conflict => Err(StoreError::Conflict { doing, source: "as the world says".into() }),
            Passed::Lost => Err(StoreError::Unavailable { doing, source: "as the world says".into() }),
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Process({})", self.number)
    }
}
