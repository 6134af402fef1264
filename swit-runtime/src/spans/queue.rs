//! The queue between those that end spans and the one that takes them away.
//!
//! Guarantee: ending a span never waits. What has no room is dropped and counted; that is said when it begins, and how many
//! it were when there is room again. Exporting has a time of its own, which a dead collector can use up and no more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use tokio::{
    sync::{
        Semaphore,
        mpsc::{self, error::TrySendError},
    },
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::Exporter;
use crate::walled::walled;

/// How much waits, how long, and how much goes at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) queue: usize,
    pub(crate) batch: usize,
    pub(crate) every: Duration,
    pub(crate) timeout: Duration,
}

impl Default for Bounds {
    /// As the OpenTelemetry specification has them.
    fn default() -> Self {
        Self { queue: 2_048, batch: 512, every: Duration::from_secs(5), timeout: Duration::from_secs(30) }
    }
}

/// Takes spans that have ended.
#[derive(Debug)]
pub(crate) struct Queue {
    sender: mpsc::Sender<SpanData>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Dropped since there was room last.
    dropped: AtomicU64,
    /// Of all time.
    lost: AtomicU64,
}

/// Exports what the queue holds; whoever owns tasks runs it.
#[derive(Debug)]
pub(crate) struct Export {
    exporter: Exporter,
    receiver: mpsc::Receiver<SpanData>,
    shared: Arc<Shared>,
    bounds: Bounds,
    /// Exporting fails at the moment, and that was said.
    failing: bool,
}

impl Queue {
    pub(crate) fn new(exporter: Exporter, bounds: Bounds) -> (Self, Export) {
        let (sender, receiver) = mpsc::channel(bounds.queue.clamp(1, Semaphore::MAX_PERMITS));
        let shared = Arc::new(Shared::default());
        let export = Export { exporter, receiver, shared: shared.clone(), bounds, failing: false };
        (Self { sender, shared }, export)
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        let Err(error) = self.sender.try_send(span) else { return };
        self.shared.lost.fetch_add(1, Ordering::Relaxed);
        if self.shared.dropped.fetch_add(1, Ordering::Relaxed) == 0 {
            match error {
                TrySendError::Full(_) => tracing::warn!(
                    "spans are dropped: they end faster than they are exported, or the collector takes none"
                ),
                TrySendError::Closed(_) => tracing::debug!("spans are dropped: they ended after the last export"),
            }
        }
    }

    /// Nothing waits here: whoever runs the export flushes it as the service ends.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Export {
    /// Exports until it is told to end, then what is left, until the deadline.
    pub(crate) async fn run(mut self, ending: CancellationToken, deadline: Arc<std::sync::OnceLock<Instant>>) {
        let mut batch = Vec::new();
        loop {
            let more = tokio::select! {
                more = self.collect(&mut batch) => more,
                () = ending.cancelled() => false,
            };
            if !more {
                break;
            }
            // A deadline that comes while a dead collector is waited for holds for that, too.
            let cut = async {
                ending.cancelled().await;
                tokio::time::sleep_until(*deadline.get_or_init(Instant::now)).await;
            };
            let export = std::mem::take(&mut batch);
            tokio::select! {
                () = self.export(export) => {}
                () = cut => break,
            }
        }
        let until = *deadline.get_or_init(Instant::now);
        let mut left = batch.len();
        if Instant::now() < until {
            left = 0;
            let _ = timeout_at(until, self.empty(batch)).await;
        }
        let left = (left + self.receiver.len()) as u64;
        let lost = self.shared.lost.fetch_add(left, Ordering::Relaxed) + left;
        if lost > 0 {
            tracing::warn!(lost, "spans were lost");
        }
        self.exporter.shutdown();
    }

    /// Waits for a batch: a full one, or what there is after a while. False: nobody ends spans any more.
    async fn collect(&mut self, batch: &mut Vec<SpanData>) -> bool {
        if batch.is_empty() && self.receiver.recv_many(batch, self.bounds.batch).await == 0 {
            return false;
        }
        let until = Instant::now() + self.bounds.every;
        while batch.len() < self.bounds.batch {
            let room = self.bounds.batch - batch.len();
            match timeout_at(until, self.receiver.recv_many(batch, room)).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        true
    }

    async fn empty(&mut self, mut batch: Vec<SpanData>) {
        loop {
            while batch.len() < self.bounds.batch {
                let Ok(span) = self.receiver.try_recv() else { break };
                batch.push(span);
            }
            if batch.is_empty() {
                return;
            }
            self.export(std::mem::take(&mut batch)).await;
        }
    }

    async fn export(&mut self, batch: Vec<SpanData>) {
        let many = batch.len();
        // Until it is answered: who gives up in between does not forget them.
        self.shared.lost.fetch_add(many as u64, Ordering::Relaxed);
        let exported = {
            // What exporting does makes no spans of its own.
            let export = suppressed(walled(|| self.exporter.export(batch)));
            timeout(self.bounds.timeout, export).await
        };
        let error = match exported {
            Ok(Some(Ok(()))) => None,
            // Its panic is its refusal: the next batch is exported all the same.
            Ok(None) => Some("the exporter panicked".to_owned()),
            Ok(Some(Err(error))) => Some(crate::outcome::one_line(&error)),
            Err(_) => Some(format!("no answer within {:?}", self.bounds.timeout)),
        };
        match error {
            None => {
                self.shared.lost.fetch_sub(many as u64, Ordering::Relaxed);
                if std::mem::take(&mut self.failing) {
                    tracing::info!("spans are exported again");
                }
                let dropped = self.shared.dropped.swap(0, Ordering::Relaxed);
                if dropped > 0 {
                    tracing::warn!(dropped, "spans were dropped, for want of room; there is room again");
                }
            }
            Some(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(spans = many, %error, "spans can't be exported; they are lost until it is said that they are exported again");
                }
            }
        }
    }
}

/// Polls it as what is part of no trace.
async fn suppressed<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|task| {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        future.as_mut().poll(task)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::{
        error::OTelSdkError,
        trace::{SdkTracer, SdkTracerProvider, SpanExporter},
    };

    use super::*;

    /// Answers, fails, or says nothing.
    #[derive(Debug, Clone, Default)]
    struct Fake(Arc<Mutex<State>>);

    #[derive(Debug, Default)]
    struct State {
        taken: Vec<usize>,
        refuses: bool,
        panics: bool,
        silent: bool,
    }

    impl Fake {
        /// Whatever became of whoever held it.
        fn state(&self) -> MutexGuard<'_, State> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl SpanExporter for Fake {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            let silent = {
                let mut state = self.state();
                state.taken.push(batch.len());
                assert!(!state.panics, "an exporter panics");
                if state.refuses {
                    return Err(OTelSdkError::InternalFailure("no".into()));
                }
                state.silent
            };
            if silent {
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    }

    struct Rig {
        fake: Fake,
        tracer: SdkTracer,
        shared: Arc<Shared>,
        ending: CancellationToken,
        deadline: Arc<OnceLock<Instant>>,
        task: tokio::task::JoinHandle<()>,
    }

    impl Rig {
        fn new(silent: bool) -> Self {
            let fake = Fake::default();
            fake.state().silent = silent;
            let bounds = Bounds { queue: 10, batch: 4, ..Bounds::default() };
            let (queue, export) = Queue::new(Exporter::new(fake.clone()), bounds);
            let shared = queue.shared.clone();
            let tracer = SdkTracerProvider::builder().with_span_processor(queue).build().tracer("test");
            let (ending, deadline) = (CancellationToken::new(), Arc::new(OnceLock::new()));
            let task = tokio::spawn(export.run(ending.clone(), deadline.clone()));
            Self { fake, tracer, shared, ending, deadline, task }
        }

        fn spans(&self, many: usize) {
            for _ in 0..many {
                self.tracer.in_span("a", |_| ());
            }
        }

        async fn close(self) -> (Vec<usize>, u64) {
            self.deadline.set(Instant::now() + Duration::from_secs(2)).unwrap();
            self.ending.cancel();
            let began = Instant::now();
            self.task.await.unwrap();
            assert!(began.elapsed() <= Duration::from_secs(2), "{:?}", began.elapsed());
            let taken = self.fake.state().taken.clone();
            (taken, self.shared.lost.load(Ordering::Relaxed))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_goes_when_it_is_full_or_after_a_while_and_the_rest_at_the_end() {
        let rig = Rig::new(false);
        rig.spans(6);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(rig.fake.state().taken, [4]);
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert_eq!(rig.fake.state().taken, [4, 2]);
        rig.spans(9);
        let (taken, lost) = rig.close().await;
        assert_eq!((taken.iter().sum::<usize>(), lost), (15, 0), "{taken:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_no_room_is_dropped_and_counted_and_a_silent_collector_ends_by_the_deadline() {
        let rig = Rig::new(true);
        rig.spans(4);
        tokio::time::sleep(Duration::from_millis(1)).await;
        // Four are with the collector, ten wait.
        rig.spans(25);
        assert_eq!(rig.shared.dropped.load(Ordering::Relaxed), 15);
        let (taken, lost) = rig.close().await;
        assert_eq!(taken, [4]);
        assert_eq!(lost, 29);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_is_lost_and_the_next_goes_on() {
        let rig = Rig::new(false);
        rig.fake.state().refuses = true;
        rig.spans(4);
        tokio::time::sleep(Duration::from_millis(1)).await;
        rig.fake.state().refuses = false;
        rig.spans(4);
        let (taken, lost) = rig.close().await;
        assert_eq!((taken, lost), (vec![4, 4], 4));
    }

    #[tokio::test(start_paused = true)]
    async fn an_exporter_that_panics_loses_what_it_held_and_no_more() {
        let rig = Rig::new(false);
        rig.fake.state().panics = true;
        rig.spans(4);
        tokio::time::sleep(Duration::from_millis(1)).await;
        rig.fake.state().panics = false;
        rig.spans(4);
        let (taken, lost) = rig.close().await;
        assert_eq!((taken, lost), (vec![4, 4], 4));
    }

    #[tokio::test]
    async fn any_size_of_a_queue_can_be_had() {
        let bounds = Bounds { queue: usize::MAX, ..Bounds::default() };
        let (queue, _export) = Queue::new(Exporter::new(Fake::default()), bounds);
        assert!(queue.sender.capacity() > 0);
    }
}
