//! Runs the event handlers that are missing, each behind a wall of its own.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context as Task, Poll},
};

use super::Progress;
use crate::{
    context::Context,
    outcome::{Failure, FailureKind, Outcome},
    pipeline::{claim, ended, panicked, publish_all},
    publisher::plain,
    registry::{CompositeRegistration, EventHandlerRegistration, Strategy},
    said::{Shown, about},
    trace::{AttemptEnd, Flow, Trace, within},
    transport::BoxFuture,
};

/// Runs the handlers of a composite for the delivery of this context. Called by generated code.
pub async fn run(composite: &'static CompositeRegistration, cx: &mut Context) -> Outcome {
    let progress = Arc::new(Progress::read(composite, cx));
    cx.insert_extension(progress.clone());
    let missing = progress.missing(cx.message());
    let handlers = composite.handlers();
    let mut running: Vec<Running> =
        missing.into_iter().map(|at| Running::new(at, handlers[at].handler, &progress, cx)).collect();
    match composite.strategy {
        Strategy::Sequential => {
            for running in &mut running {
                poll_fn(|task| running.poll(task)).await;
            }
        }
        Strategy::Parallel | Strategy::BestEffort => poll_fn(|task| poll_all(&mut running, task, || false)).await,
        Strategy::FailFast => poll_fn(|task| poll_all(&mut running, task, || progress.any_failed())).await,
    }
    // What still runs is cancelled.
    drop(running);
    cx.rejoin();
    progress.outcome()
}

/// Ready when all are, or when it is enough.
fn poll_all(running: &mut [Running], task: &mut Task<'_>, enough: impl Fn() -> bool) -> Poll<()> {
    let mut waiting = false;
    for one in running {
        waiting |= one.poll(task).is_pending();
        if enough() {
            return Poll::Ready(());
        }
    }
    if waiting { Poll::Pending } else { Poll::Ready(()) }
}

/// One handler, as long as it runs. Whatever it does short of aborting the process, the others run on.
struct Running {
    at: usize,
    /// Until it begins: its turn may come long after the others'.
    waiting: Option<Context>,
    future: Option<BoxFuture<'static, ()>>,
    progress: Arc<Progress>,
    traced: Traced,
}

/// Whoever traces, and the handler's part of the attempt, where that is recorded.
type Traced = Option<(Arc<dyn Trace>, Flow)>;

fn begin_trace(cx: &Context, handler: &'static str) -> Traced {
    let (tracer, flow) = (cx.scope().trace()?, cx.trace()?);
    Some((tracer.clone(), tracer.handle(flow, cx.receiver(), handler)?))
}

fn end_trace(traced: &Traced, ended: AttemptEnd<'_>) {
    if let Some((tracer, flow)) = traced {
        tracer.processed(flow, ended);
    }
}

impl Running {
    fn new(at: usize, handler: &'static EventHandlerRegistration, progress: &Arc<Progress>, cx: &mut Context) -> Self {
        Self { at, waiting: Some(cx.child(handler.name)), future: None, progress: progress.clone(), traced: None }
    }

    fn begin(&mut self, mut cx: Context) {
        let handler = self.progress.composite.handlers()[self.at].handler;
        self.traced = begin_trace(&cx, handler.name);
        if let Some((_, flow)) = &self.traced {
            cx.flow_in(Some(flow.clone()));
        }
        let attempt = Attempt { at: self.at, progress: self.progress.clone(), cx, traced: self.traced.clone() };
        self.future = Some(Box::pin(attempt.make(handler)));
    }

    fn poll(&mut self, task: &mut Task<'_>) -> Poll<()> {
        if let Some(cx) = self.waiting.take() {
            self.begin(cx);
        }
        let Some(future) = &mut self.future else { return Poll::Ready(()) };
        let traced = self.traced.as_ref().map(|(tracer, flow)| (&**tracer, flow));
        match catch_unwind(AssertUnwindSafe(|| within(traced, || future.as_mut().poll(task)))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => self.end(),
            Err(payload) => {
                self.end();
                let outcome = panicked(payload);
                end_trace(&self.traced, ended(&outcome));
                if self.progress.is_noted(self.at) {
                    // By then it was known what came of it: `on_error` panicked, or a destructor.
                    let handler = self.progress.composite.handlers()[self.at].handler.name;
                    about!(
                        error,
                        self.progress.told,
                        trace = self.progress.told.trace_id(),
                        {
                            subscriber = %self.progress.receiver.subscriber,
                            attempt = self.progress.told.attempt,
                            handler,
                            outcome = %Shown(&format!("{outcome:?}"))
                        },
                        "an event handler panicked once its outcome was known, in `on_error` or a destructor; the outcome stands"
                    );
                } else {
                    self.progress.note(self.at, outcome);
                }
            }
        }
        Poll::Ready(())
    }

    /// Drops what is left of it; a destructor that panics takes nobody with it.
    fn end(&mut self) {
        let left = (self.waiting.take(), self.future.take());
        let _ = catch_unwind(AssertUnwindSafe(|| drop(left)));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.waiting.is_some() || self.future.is_some() {
            self.end();
            end_trace(&self.traced, AttemptEnd::Cancelled);
            self.progress.cancelled(self.at);
        }
    }
}

/// One handler's attempt, with its own view of the delivery.
struct Attempt {
    at: usize,
    progress: Arc<Progress>,
    cx: Context,
    traced: Traced,
}

impl Attempt {
    async fn make(mut self, handler: &'static EventHandlerRegistration) {
        let mut outcome = if handler.inbox { self.once(handler).await } else { self.call(handler).await };
        let confirmed = if outcome.is_success() { self.cx.take_confirmed() } else { Vec::new() };
        if let Outcome::Failed(failure) = &mut outcome {
            failure.ask(&self.cx.receiver().rules);
        }
        end_trace(&self.traced, ended(&outcome));
        self.progress.note(self.at, outcome);
        // It may be that the delivery is tried again for others: this handler is not, so that it is now or never.
        for then in confirmed {
            then.await;
        }
    }

    async fn call(&mut self, handler: &'static EventHandlerRegistration) -> Outcome {
        match (handler.call)(&mut self.cx).await {
            Outcome::Success if !self.cx.emissions().is_empty() => self.publish().await,
            outcome => outcome,
        }
    }

    /// It claims the message for itself: what it did stays done, whatever becomes of the others.
    async fn once(&mut self, handler: &'static EventHandlerRegistration) -> Outcome {
        // No name holds a `/`.
        let claimant = format!("{}/{}", self.cx.receiver().subscriber, handler.name);
        match claim(&mut self.cx, claimant.into()).await {
            Ok(claimed) => {
                let outcome = claimed.around((handler.call)(&mut self.cx)).await;
                claimed.conclude(&mut self.cx, outcome).await
            }
            Err(outcome) => outcome,
        }
    }

    /// What it returned is part of it: it is done when that is confirmed.
    async fn publish(&mut self) -> Outcome {
        let emissions = self.cx.take_emissions();
        let published = match plain(self.cx.scope(), &self.cx.receiver().transport) {
            Ok(outlet) => publish_all(&outlet, emissions, self.cx.under(), None).await,
            Err(error) => Err(error),
        };
        match published {
            Ok(()) => Outcome::Success,
            Err(error) => Failure::classified(FailureKind::Publish, error).into(),
        }
    }
}

impl Drop for Attempt {
    /// Cancelled or panicked while `on_error` was being asked: the error that it was asked about decides.
    fn drop(&mut self) {
        if let Some(pending) = self.cx.take_pending() {
            self.progress.failed(self.at, pending);
        }
    }
}
