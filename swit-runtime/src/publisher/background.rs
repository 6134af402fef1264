//! Asynchronous publishing: `publish` returns when a bounded queue has taken the message; a task publishes it.
//!
//! Guarantee: what the queue has taken is published in its order, and every failure of it is counted, logged at error
//! level and told to [`OnPublishFailure`] where the app provides one. A kill of the process loses what is in the queue. A
//! shutdown does not: what its broker does not take by then has failed.

use std::{
    collections::VecDeque,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use tokio::sync::{mpsc, watch};

use super::{
    Confirmation,
    failure::{FailedPublication, OnPublishFailure},
    flight::Answer,
    path::{Path, refused},
    port::Outgoing,
};
use crate::{
    alert::{AlertKind, Level},
    error::PublishError,
    message::Message,
    outcome::one_line,
    said::{ShownId, about},
    text::Text,
};

/// The queue of an asynchronous publisher. Its task ends when it is dropped, after everything in it was published.
#[derive(Debug)]
pub(crate) struct Background {
    publisher: Text,
    capacity: u32,
    /// Room for what was taken in and is not answered: this, not the channel, is the bound.
    room: Arc<Room>,
    queue: mpsc::UnboundedSender<Queued>,
    progress: Arc<Progress>,
}

#[derive(Debug)]
struct Queued {
    outgoing: Outgoing,
    place: Place,
}

/// Room in the queue.
#[derive(Debug)]
struct Room {
    free: AtomicU32,
}

/// A place in the queue, free again when it is dropped.
#[derive(Debug)]
struct Place(Arc<Room>);

impl Room {
    fn take(self: &Arc<Self>) -> Option<Place> {
        let taken = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
        taken.ok().map(|_| Place(self.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Ordering::Release);
    }
}

/// How far an asynchronous publisher has come.
#[derive(Debug)]
pub(crate) struct Progress {
    taken: AtomicU64,
    answered: watch::Sender<u64>,
    failed: AtomicU64,
}

impl Progress {
    /// Publications that were taken in and are not answered.
    pub(super) fn outstanding(&self) -> u64 {
        // Read in this order: what is answered was taken in before.
        let answered = *self.answered.borrow();
        self.taken.load(Ordering::SeqCst).saturating_sub(answered)
    }

    /// Publications that failed after they were taken in.
    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Waits until everything that was taken in until now is answered, or nobody is left to answer it.
    pub(super) async fn caught_up(&self) {
        let target = self.taken.load(Ordering::SeqCst);
        // The sender is ours, so that the channel can't close.
        let _ = self.answered.subscribe().wait_for(|answered| *answered >= target).await;
    }
}

impl Background {
    /// The queue, whose task the app runs.
    pub(super) fn start(path: &Arc<Path>, publisher: Text, capacity: u32) -> Arc<Self> {
        let (queue, queued) = mpsc::unbounded_channel();
        let (answered, _) = watch::channel(0);
        let progress = Arc::new(Progress { taken: AtomicU64::new(0), answered, failed: AtomicU64::new(0) });
        let publish = Publishing {
            path: path.clone(),
            publisher: publisher.clone(),
            progress: progress.clone(),
            queued,
            waiting: VecDeque::new(),
        };
        path.home().run(Box::pin(publish.run()));
        let room = Arc::new(Room { free: AtomicU32::new(capacity) });
        Arc::new(Self { publisher, capacity, room, queue, progress })
    }

    pub(super) fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Takes a message in, or says at once why not.
    pub(super) fn take_in(&self, path: &Path, mut outgoing: Outgoing) -> Confirmation {
        let refused = |outgoing: Outgoing, error| {
            path.home().failed(&outgoing.message.topic, &error);
            refused(outgoing.pending, error)
        };
        if path.home().closing.is_cancelled() {
            return refused(outgoing, PublishError::Closed);
        }
        if let Err(error) = path.check(&outgoing.message) {
            return refused(outgoing, error);
        }
        let Some(place) = self.room.take() else {
            let full = PublishError::QueueFull { publisher: self.publisher.clone(), capacity: self.capacity };
            return refused(outgoing, full);
        };
        path.complete(&mut outgoing);
        // Nobody waits for it, so that it may wait for room as long as it takes.
        outgoing.under_delivery = false;
        let id = outgoing.message.id.clone();
        self.progress.taken.fetch_add(1, Ordering::SeqCst);
        if let Err(back) = self.queue.send(Queued { outgoing, place }) {
            self.progress.taken.fetch_sub(1, Ordering::SeqCst);
            return refused(back.0.outgoing, PublishError::Closed);
        }
        Confirmation::ready(Ok(id))
    }
}

/// The task of an asynchronous publisher.
struct Publishing {
    path: Arc<Path>,
    publisher: Text,
    progress: Arc<Progress>,
    queued: mpsc::UnboundedReceiver<Queued>,
    /// What was handed to the path and is not answered, first to last.
    waiting: VecDeque<(Confirmation, Message, Place)>,
}

impl Publishing {
    async fn run(mut self) {
        let (closing, opened) = (self.path.home().closing.clone(), self.path.home().opened.clone());
        // Before that, publications of several tasks would wait for it side by side, and order would be lost.
        tokio::select! {
            () = opened.cancelled() => {}
            () = closing.cancelled() => {}
        }
        let turns = self.path.turns();
        let (mut open, mut closed) = (true, false);
        while open || !self.waiting.is_empty() {
            tokio::select! {
                biased;
                // Answers are read in the order of publishing: one that is early keeps its room a little longer.
                answer = first(&mut self.waiting), if !self.waiting.is_empty() => self.answered(answer),
                next = self.queued.recv(), if open => match next {
                    None => open = false,
                    Some(Queued { outgoing, place }) => {
                        // For whoever is told of a failure. The payload is shared.
                        let message = outgoing.message.clone();
                        let confirmation = self.path.publish(outgoing, turns.as_ref());
                        self.waiting.push_back((confirmation, message, place));
                    }
                },
                () = closing.cancelled(), if !closed => {
                    closed = true;
                    self.queued.close();
                }
            }
        }
    }

    fn answered(&mut self, answer: Answer) {
        let Some((_, message, place)) = self.waiting.pop_front() else { return };
        if let Err(error) = answer {
            self.failed(message, error);
        }
        drop(place);
        self.progress.answered.send_modify(|answered| *answered += 1);
    }

    fn failed(&self, message: Message, error: PublishError) {
        self.progress.failed.fetch_add(1, Ordering::Relaxed);
        about!(
            error,
            message,
            { publisher = %self.publisher, error = %one_line(&error) },
            "an asynchronous publication failed"
        );
        let Some(scope) = self.path.home().scope() else { return };
        let text = format!("message {} was not published: {}", ShownId(&message.id), one_line(&error));
        scope.alerts().note(Level::Error, AlertKind::PublishFailed, &self.publisher, &text);
        let Some(told) = scope.get::<OnPublishFailure>() else { return };
        let failed = FailedPublication { publisher: self.publisher.clone(), message, error };
        if catch_unwind(AssertUnwindSafe(|| told.tell(&failed))).is_err() {
            tracing::error!(publisher = %self.publisher, "`OnPublishFailure` panicked");
        }
    }
}

impl Drop for Publishing {
    /// It is given up, or has ended: whatever it still holds has failed, message by message, and whoever waits for it
    /// waits no longer.
    fn drop(&mut self) {
        self.queued.close();
        while let Some((confirmation, message, place)) = self.waiting.pop_front() {
            let error = match confirmation.so_far() {
                Some(Ok(_)) => None,
                Some(Err(error)) => Some(error),
                None => Some(PublishError::Lost { destination: message.topic.clone() }),
            };
            if let Some(error) = error {
                self.failed(message, error);
            }
            drop(place);
        }
        while let Ok(Queued { outgoing, place }) = self.queued.try_recv() {
            self.failed(outgoing.message, PublishError::Closed);
            drop(place);
        }
        self.progress.answered.send_replace(u64::MAX);
    }
}

async fn first(waiting: &mut VecDeque<(Confirmation, Message, Place)>) -> Answer {
    poll_fn(|task| match waiting.front_mut() {
        Some((confirmation, ..)) => Pin::new(confirmation).poll(task),
        None => std::task::Poll::Pending,
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{
        any::TypeId,
        sync::Mutex,
        task::{Context, Waker},
        time::Duration,
    };

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        clock::Clock,
        event::Unrouted,
        limits::Limits,
        publisher::home::{Home, Tasks},
        scope::{Scope, Service},
        transport::{BoxFuture, Publication, Publish, Publishing, Receipt},
    };

    /// Tasks that run when they are told to.
    #[derive(Default)]
    struct Held(Mutex<Vec<BoxFuture<'static, ()>>>);

    impl Tasks for Held {
        fn run(&self, task: BoxFuture<'static, ()>) {
            self.0.lock().unwrap().push(task);
        }
    }

    /// Confirms what says so, refuses what says so, and never answers to anything else.
    #[derive(Debug)]
    struct Port;

    impl Publish for Port {
        fn publish(&self, publication: Publication) -> Publishing {
            match &publication.message.payload[..] {
                b"confirmed" => Publishing::Pending(Box::pin(async { Ok(Receipt::new(true)) })),
                b"refused" => Publishing::Pending(Box::pin(async {
                    Err(PublishError::Refused { destination: "t".into(), reason: "on purpose".to_owned() })
                })),
                _ => Publishing::Pending(Box::pin(std::future::pending())),
            }
        }
    }

    #[tokio::test]
    async fn whatever_it_holds_when_it_is_given_up_is_told() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let journal = told.clone();
        let on_failure = OnPublishFailure::new(move |failed| {
            let text = String::from_utf8_lossy(&failed.message.payload).into_owned();
            journal.lock().unwrap().push(format!("{text}: {}", failed.error));
            panic!("whoever is told may panic");
        });
        let token = CancellationToken::new;
        let service = Service::new("s", "1", "1");
        let mut scope = Scope::new([].into(), token(), Clock::default(), Limits::DEFAULT, service);
        scope.insert(TypeId::of::<OnPublishFailure>(), Arc::new(on_failure));
        scope.opened().cancel();
        let tasks = Arc::new(Held::default());
        let home = Arc::new(Home::new(&scope, tasks.clone()));
        let scope = Arc::new(scope);
        home.open(&scope);
        let path = Arc::new(Path::plain(home, "default".into(), Arc::new(Port), Box::default()));
        let background = Background::start(&path, "p".into(), 1_000);
        let publish = async |text: &str| {
            let message = Message::new("t", text.to_owned());
            let outgoing = Outgoing {
                message,
                delay: Duration::ZERO,
                unrouted: Unrouted::Ignore,
                under_delivery: false,
                pending: None,
                joined: None,
            };
            background.take_in(&path, outgoing).await.unwrap();
        };

        for text in ["confirmed", "a", "confirmed", "refused", "b"] {
            publish(text).await;
        }
        let mut task = tasks.0.lock().unwrap().pop().unwrap();
        assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        publish("c").await;
        assert_eq!((background.progress.outstanding(), told.lock().unwrap().len()), (5, 0));
        drop(task);
        let unknown = PublishError::Lost { destination: "t".into() };
        assert_eq!(
            *told.lock().unwrap(),
            [
                format!("a: {unknown}"),
                "refused: the broker refused the message for `t`: on purpose".to_owned(),
                format!("b: {unknown}"),
                format!("c: {}", PublishError::Closed),
            ]
        );
        assert_eq!((background.progress.outstanding(), background.progress.failed()), (0, 4));
        background.progress.caught_up().await;
        assert_eq!(background.room.free.load(Ordering::Acquire), 1_000);
    }
}
