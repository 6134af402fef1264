//! Runs the checks of providers and of users.
//!
//! Guarantees: a storm of questions runs them once a second at the most; they run beside each other, each within its
//! time, in tasks of their own, so that one that panics or blocks its thread is told and keeps nobody waiting; none is called
//! again before its last call has ended; whoever asks may go away.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::report::{Component, ComponentKind, HealthStatus};
use crate::{
    classify::BoxError,
    outcome::{cap, one_line},
    registry::{CheckHealth, HealthCheckRegistration, ProviderRegistration},
    scope::{Scope, Shared},
    text::Text,
    transport::BoxFuture,
    walled::walled,
};

/// How long a result is good for.
const FRESH: Duration = Duration::from_secs(1);
/// How much longer than the longest check is waited for those that block their threads.
const GRACE: Duration = Duration::from_millis(100);
/// Most bytes of a text that a check gives.
const MAX_TEXT: usize = 512;

/// One check.
pub(in crate::app) struct Check {
    kind: ComponentKind,
    name: Text,
    timeout: Duration,
    critical: bool,
    call: Box<dyn Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>,
    /// A call has not ended.
    busy: AtomicBool,
}

impl Check {
    /// A function with `#[health_check]`.
    pub(in crate::app) fn of(registration: &'static HealthCheckRegistration, scope: &Arc<Scope>) -> Self {
        let (scope, check) = (scope.clone(), registration.check);
        Self {
            kind: ComponentKind::Check,
            name: Text::from_static(registration.name),
            timeout: registration.timeout,
            critical: registration.critical,
            call: Box::new(move || {
                let scope = scope.clone();
                Box::pin(async move { check(&scope).await })
            }),
            busy: AtomicBool::new(false),
        }
    }

    /// What a provider says of what it built.
    pub(in crate::app) fn of_provider(provider: &ProviderRegistration, check: CheckHealth, value: Shared) -> Self {
        Self {
            kind: ComponentKind::Provider,
            name: Text::from_static(provider.name),
            timeout: swit_grammar::health::DEFAULT_TIMEOUT,
            critical: true,
            call: Box::new(move || check(value.clone())),
            busy: AtomicBool::new(false),
        }
    }

    async fn run(&self) -> Component {
        let begun = Instant::now();
        let result = tokio::time::timeout(self.timeout, walled(|| (self.call)())).await;
        let text = match result {
            Ok(Some(Ok(()))) => None,
            Ok(Some(Err(error))) => Some(cap(&one_line(&*error), MAX_TEXT).into_owned()),
            Ok(None) => Some("the check panicked".to_owned()),
            Err(_) => Some(format!("no answer within {:?}", self.timeout)),
        };
        Component { latency: Some(begun.elapsed()), ..self.component(text) }
    }

    fn component(&self, text: Option<String>) -> Component {
        let status = if text.is_none() { HealthStatus::Up } else { HealthStatus::Down };
        Component { critical: self.critical, ..Component::new(self.kind, &self.name, status, text.map(Text::from)) }
    }
}

/// A call of a check, until it is dropped.
struct Call(Arc<Check>);

impl Drop for Call {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Release);
    }
}

/// All checks of a service.
pub(in crate::app) struct Checks {
    shared: Arc<Rounds>,
    /// Apart from what the task holds, so that it ends when this is dropped.
    tasks: Mutex<JoinSet<()>>,
}

struct Rounds {
    checks: Vec<Arc<Check>>,
    /// A round is under way.
    running: AtomicBool,
    last: watch::Sender<Round>,
}

/// What the checks said last.
#[derive(Clone, Default)]
struct Round {
    number: u64,
    ended: Option<Instant>,
    components: Arc<[Component]>,
}

impl Checks {
    pub(in crate::app) fn new(checks: Vec<Check>) -> Self {
        let checks = checks.into_iter().map(Arc::new).collect();
        let shared = Rounds { checks, running: AtomicBool::new(false), last: watch::Sender::default() };
        Self { shared: Arc::new(shared), tasks: Mutex::default() }
    }

    /// What they say: just now, or no longer ago than a second.
    pub(super) async fn results(&self) -> Arc<[Component]> {
        if self.shared.checks.is_empty() {
            return Arc::default();
        }
        let mut rounds = self.shared.last.subscribe();
        let last = rounds.borrow_and_update().clone();
        if last.ended.is_some_and(|ended| ended.elapsed() < FRESH) {
            return last.components;
        }
        self.begin();
        // Of a round that is under way already, too. The sender is here.
        match rounds.wait_for(|round| round.number > last.number).await {
            Ok(round) => round.components.clone(),
            Err(_) => last.components,
        }
    }

    /// Begins a round, unless one is under way.
    fn begin(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.running.swap(true, Ordering::AcqRel) {
            return;
        }
        // What has ended is forgotten.
        while tasks.try_join_next().is_some() {}
        let rounds = self.shared.clone();
        tasks.spawn(async move {
            let components = rounds.run().await.into();
            // In this order: who sees the old round from now on begins another, and needs no more of this one.
            rounds.running.store(false, Ordering::Release);
            rounds.last.send_modify(|round| {
                *round = Round { number: round.number + 1, ended: Some(Instant::now()), components };
            });
        });
    }

    /// Ends what runs: what the checks look at is about to be closed.
    pub(super) fn stop(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

impl Rounds {
    async fn run(&self) -> Vec<Component> {
        let mut calls = JoinSet::new();
        let mut found: Vec<Option<Component>> = vec![None; self.checks.len()];
        let longest = self.checks.iter().map(|check| check.timeout).max().unwrap_or_default();
        let deadline = Instant::now() + longest + GRACE;
        for (index, check) in self.checks.iter().enumerate() {
            if check.busy.swap(true, Ordering::AcqRel) {
                let text = "an earlier call has not ended: it blocks a thread, and can't be interrupted";
                found[index] = Some(check.component(Some(text.to_owned())));
                continue;
            }
            let call = Call(check.clone());
            calls.spawn(async move { (index, call.0.run().await) });
        }
        while let Ok(Some(ended)) = tokio::time::timeout_at(deadline, calls.join_next()).await {
            if let Ok((index, component)) = ended {
                found[index] = Some(component);
            }
        }
        let unanswered = |check: &Check| {
            check.component(Some(format!(
                "no answer within {:?}: it blocks a thread; what blocks goes through `tokio::task::spawn_blocking`",
                check.timeout
            )))
        };
        found.into_iter().zip(&self.checks).map(|(found, check)| found.unwrap_or_else(|| unanswered(check))).collect()
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.shared.checks.iter().map(|check| &check.name)).finish()
    }
}
