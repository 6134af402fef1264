//! The testing kit: the real app, or some of its handlers, on the memory transport, with everything seen.
//!
//! ```ignore
//! #[tokio::test(start_paused = true)]
//! async fn a_paid_order_is_confirmed() {
//!     let app = TestApp::start(App::only::<(confirm_order,)>().provide(Orders::default())).await.unwrap();
//!     app.publish(&PaymentCompleted { order_id: "o-1".into() }).await.unwrap();
//!     app.wait_quiet().await;
//!     assert_eq!(app.published::<OrderConfirmed>().len(), 1);
//!     assert_eq!(app.calls("confirm-order").len(), 1);
//!     assert!(app.dead_letters("confirm-order").is_empty());
//! }
//! ```
//!
//! Under `start_paused = true` time passes by itself whenever nothing else is left to do: backoffs of minutes take no
//! time, and their order is exact.

mod recording;

use std::{sync::Arc, time::SystemTime};

use tokio::time::Instant;

use recording::{Observer, Recorded, RecordingTransport};

use crate::{
    app::{App, Running, SubscriberStats},
    clock::Clock,
    compression,
    error::{PublishError, Result},
    event::Event,
    headers::names,
    id::MessageId,
    message::Message,
    publisher::Publisher,
    registry::Saga,
    saga::{SagaError, Sagas},
    text::Text,
};

pub use recording::{Call, Ending};

/// Has the ids and the jitter that are drawn on this thread from now on follow from this seed.
///
/// On a runtime of one thread with paused time, with a [`Clock`] that follows it, a service does the same
/// things in the same order each time: what a simulation finds is found again.
pub fn reseed(seed: u64) {
    crate::id::reseed(seed);
}

/// An app that runs on the memory transport and remembers what happened.
#[derive(Debug)]
pub struct TestApp {
    running: Running,
    publisher: Publisher,
    recorded: Arc<Recorded>,
}

/// A message that was given up, with why.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The whole message, as it lies in the dead-letter queue.
    pub message: Message,
    /// `x-dead-letter-reason`.
    pub reason: String,
    /// `x-dead-letter-error`; empty where there was no error.
    pub error: String,
    /// `x-dead-letter-attempts`.
    pub attempts: u32,
}

/// A wall clock that goes as tokio's does, and stands where that is paused: what waits for a moment waits as long as it says.
fn in_step() -> Clock {
    let (wall, began) = (SystemTime::now(), Instant::now());
    Clock::injected(move || wall + began.elapsed())
}

impl TestApp {
    /// Starts an app with every transport that it uses replaced by a memory transport.
    ///
    /// # Errors
    /// As [`App::start`].
    pub async fn start(app: App) -> Result<Self> {
        let recorded = Arc::new(Recorded::default());
        let mut app = app.middleware("swit-testing", i32::MIN, Observer(recorded.clone()));
        app.embedded = true;
        if app.clock.is_system() {
            app.clock = in_step();
        }
        for name in app.check()?.transports() {
            app = app.transport(Arc::new(RecordingTransport::new(name, recorded.clone())));
        }
        let running = app.start().await?;
        let publisher = running.publisher()?;
        Ok(Self { running, publisher, recorded })
    }

    /// The running service.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The instances of a saga that the app runs.
    ///
    /// # Errors
    /// As [`Running::sagas`].
    pub fn sagas<S: Saga>(&self) -> Result<Sagas<S>, SagaError> {
        self.running.sagas()
    }

    /// A publisher, as `main` would have it.
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Publishes an event.
    ///
    /// # Errors
    /// As [`Publisher::publish`].
    pub async fn publish<E: Event>(&self, event: &E) -> Result<MessageId, PublishError> {
        self.publisher.publish(event).await
    }

    /// Publishes a message to a topic.
    ///
    /// # Errors
    /// As [`Publisher::publish_to`].
    pub async fn publish_to(&self, topic: &str, message: Message) -> Result<MessageId, PublishError> {
        self.publisher.publish_to(Text::from(topic), message).await
    }

    /// Waits until nothing is in flight: no message ready, delayed, waiting for a retry or being handled.
    pub async fn wait_quiet(&self) {
        self.running.wait_quiet().await;
    }

    /// The attempts of a subscriber, in the order in which they began.
    pub fn calls(&self, subscriber: &str) -> Vec<Call> {
        self.recorded.calls(subscriber)
    }

    /// The events of this type that were published so far, by the test and by handlers, in order; decompressed.
    ///
    /// # Panics
    /// One of its topic and type can't be decompressed, or decoded as it: a test's finding.
    pub fn published<E: Event>(&self) -> Vec<E> {
        let all = self.recorded.published();
        let of_type =
            all.iter().filter(|message| E::DESCRIPTORS.iter().any(|known| crate::event::is_of(known, message)));
        of_type
            .map(|message| {
                let plain = match compression::decode(message, usize::MAX) {
                    Ok(plain) => plain,
                    Err(error) => panic!("{message:?} was published, but can't be decompressed: {error}"),
                };
                match E::decode(plain.as_ref().unwrap_or(message)) {
                    Ok(event) => event,
                    Err(error) => panic!("{message:?} was published as the event, but can't be decoded: {error}"),
                }
            })
            .collect()
    }

    /// The messages that were published to this topic so far, in order.
    pub fn published_to(&self, topic: &str) -> Vec<Message> {
        self.recorded.published().into_iter().filter(|message| message.topic == *topic).collect()
    }

    /// What lies in the dead-letter queue of this subscriber, first to last.
    pub fn dead_letters(&self, subscriber: &str) -> Vec<DeadLetter> {
        let stats = self.stats_of(subscriber);
        let Some(queue) = stats.and_then(|stats| stats.dead_letter) else { return Vec::new() };
        let text = |message: &Message, name: &str| message.headers.get_str(name).unwrap_or_default().to_owned();
        let lying = self.running.inspects().flat_map(|inspect| inspect.browse(&queue, usize::MAX));
        lying
            .map(|message| DeadLetter {
                reason: text(&message, &names::DEAD_LETTER_REASON),
                error: text(&message, &names::DEAD_LETTER_ERROR),
                attempts: message
                    .headers
                    .get(&names::DEAD_LETTER_ATTEMPTS)
                    .and_then(crate::headers::HeaderValue::as_integer)
                    .and_then(|n| u32::try_from(n).ok())
                    .unwrap_or_default(),
                message,
            })
            .collect()
    }

    /// How many attempts a subscriber has made.
    pub fn attempts(&self, subscriber: &str) -> u64 {
        self.stats_of(subscriber).map_or(0, |stats| stats.counts.attempts)
    }

    /// What a subscriber counted.
    pub fn stats_of(&self, subscriber: &str) -> Option<SubscriberStats> {
        self.running.stats().into_iter().find(|stats| stats.name == *subscriber)
    }

    /// Pauses a subscriber: it begins no attempt until it is [resumed](Self::resume), what runs already runs on. Says whether
    /// there is such a subscriber and it was not paused before.
    pub fn pause(&self, subscriber: &str) -> bool {
        self.running.gate(subscriber).is_some_and(|gate| gate.pause())
    }

    /// Ends a [pause](Self::pause). Says whether there was one.
    pub fn resume(&self, subscriber: &str) -> bool {
        self.running.gate(subscriber).is_some_and(|gate| gate.resume())
    }

    /// Shuts the app down.
    ///
    /// # Errors
    /// As [`Running::shutdown`].
    pub async fn shutdown(self) -> Result<()> {
        self.running.shutdown().await
    }

    /// Shuts the app down with this deadline.
    ///
    /// # Errors
    /// As [`Running::shutdown_within`].
    pub async fn shutdown_within(self, drain: std::time::Duration) -> Result<()> {
        self.running.shutdown_within(drain).await
    }
}
