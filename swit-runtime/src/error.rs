//! What publishing, transports and starting can answer.

use std::{fmt, time::Duration};

use crate::{
    classify::{BoxError, Class, Classification, Classify},
    codec::EncodeError,
    text::Text,
};

/// Why a message was not published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The event can't be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The topic is not one that can be published to.
    #[error("can't publish: {0}")]
    Topic(swit_grammar::Fault),
    /// It belonged to a transaction, which was over before it was in it.
    #[error("the transaction that the message for `{topic}` belongs to is over; publish before the handler returns")]
    TransactionOver {
        /// Its topic.
        topic: Text,
    },
    /// The message has no id.
    #[error("the message for `{topic}` has an empty id; leave it out to get one")]
    EmptyId {
        /// Its topic.
        topic: Text,
    },
    /// A header that belongs to swit, or to brokers, was set by hand.
    #[error(
        "the header `{name}` is reserved: what starts with `x-swit-` belongs to swit, and by `CC` and `BCC` brokers route; choose another name"
    )]
    ReservedHeader {
        /// The header.
        name: String,
    },
    /// The message is larger than the limits allow.
    #[error("the message for `{topic}` has {what} of {size}, the limit is {limit}")]
    TooLarge {
        /// Its topic.
        topic: Text,
        /// What is too large.
        what: &'static str,
        /// How large it is.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// No queue takes the topic, and the event's policy is `unrouted = "error"`, or it was addressed to a queue.
    #[error("no queue takes `{destination}`; subscribe to it, or say `unrouted = \"ignore\"`")]
    Unrouted {
        /// The topic or queue.
        destination: Text,
    },
    /// There was no room within the time that a publish may wait.
    #[error("`{queue}` is full and had no room within {waited:?}; slow down, or raise its capacity")]
    Full {
        /// The queue that is full.
        queue: Text,
        /// How long was waited.
        waited: Duration,
    },
    /// The broker could not be reached in time, or took nothing: nothing was published.
    #[error("nothing was published to `{destination}` within {waited:?}: {why}; try again")]
    Unavailable {
        /// The topic or queue.
        destination: Text,
        /// How long was waited.
        waited: Duration,
        /// What it waited for.
        why: &'static str,
    },
    /// The broker refused it.
    #[error("the broker refused the message for `{destination}`: {reason}")]
    Refused {
        /// The topic or queue.
        destination: Text,
        /// What it said.
        reason: String,
    },
    /// The broker did not answer in time: the outcome is unknown. Publish again with the same id.
    #[error(
        "no confirmation for `{destination}` within {waited:?}; the outcome is unknown, publish again with the same id"
    )]
    Timeout {
        /// The topic or queue.
        destination: Text,
        /// How long was waited.
        waited: Duration,
    },
    /// The connection broke, or the service ended, before the broker answered: the outcome is unknown. Publish again with
    /// the same id.
    #[error(
        "the connection was lost before `{destination}` was confirmed; the outcome is unknown, publish again with the same id"
    )]
    Lost {
        /// The topic or queue.
        destination: Text,
    },
    /// An asynchronous publisher holds as many publications as it may: none was taken in.
    #[error("the publisher `{publisher}` already holds {capacity} publications; slow down, or raise its capacity")]
    QueueFull {
        /// The publisher.
        publisher: Text,
        /// How many it may hold.
        capacity: u32,
    },
    /// Publish-side middleware refused the message.
    #[error("publish-side middleware refused the message: {source}")]
    Prevented {
        /// What it means for the next attempt.
        class: Class,
        /// Why.
        source: BoxError,
    },
    /// The transport is closed.
    #[error("the transport is closed")]
    Closed,
    /// There is no transport of this name.
    #[error("there is no transport `{name}`; configure `[transport.{name}]`")]
    NoTransport {
        /// The name.
        name: Text,
    },
    /// The publisher is not one of this app's.
    #[error(
        "the publisher `{name}` is not part of this app; take it as an argument, or name it with `App::with_publisher`"
    )]
    NoPublisher {
        /// Its name.
        name: Text,
    },
}

impl PublishError {
    /// All kinds, as metrics tell them apart.
    pub const KINDS: [&str; 12] = [
        "encode",
        "invalid",
        "too_large",
        "unrouted",
        "full",
        "unavailable",
        "refused",
        "timeout",
        "lost",
        "prevented",
        "closed",
        "not_configured",
    ];

    /// Of which kind it is: one of [`KINDS`](Self::KINDS).
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Encode(_) => "encode",
            Self::Topic(_) | Self::EmptyId { .. } | Self::ReservedHeader { .. } | Self::TransactionOver { .. } => {
                "invalid"
            }
            Self::TooLarge { .. } => "too_large",
            Self::Unrouted { .. } => "unrouted",
            Self::Full { .. } | Self::QueueFull { .. } => "full",
            Self::Unavailable { .. } => "unavailable",
            Self::Refused { .. } => "refused",
            Self::Timeout { .. } => "timeout",
            Self::Lost { .. } => "lost",
            Self::Prevented { .. } => "prevented",
            Self::Closed => "closed",
            Self::NoTransport { .. } | Self::NoPublisher { .. } => "not_configured",
        }
    }

    /// What publish-side middleware answers to a message that it refuses: why, and what that means for the next attempt.
    pub fn prevented(class: Class, reason: impl Into<BoxError>) -> Self {
        Self::Prevented { class, source: reason.into() }
    }
}

impl Classify for PublishError {
    fn classify(&self) -> Classification {
        match self {
            Self::Full { .. } | Self::QueueFull { .. } => Class::Throttle,
            Self::Prevented { class, .. } => *class,
            Self::Unavailable { .. }
            | Self::Refused { .. }
            | Self::Timeout { .. }
            | Self::Lost { .. }
            | Self::Closed => Class::Transient,
            // Somebody may bind a queue at any time.
            Self::Unrouted { .. } => Class::SystemFailure,
            Self::Encode(_)
            | Self::Topic(_)
            | Self::EmptyId { .. }
            | Self::ReservedHeader { .. }
            | Self::TransactionOver { .. }
            | Self::TooLarge { .. }
            | Self::NoTransport { .. }
            | Self::NoPublisher { .. } => Class::Permanent,
        }
        .into()
    }
}

/// Why a publisher could not be made at runtime.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublisherError {
    /// There is a publisher of this name already.
    #[error("there is already a publisher `{name}`; choose another name, or share that one")]
    Taken {
        /// The name.
        name: Text,
    },
    /// Some option is out of range.
    #[error("publisher `{name}`: {fault}")]
    Invalid {
        /// The publisher.
        name: Text,
        /// What is wrong with it.
        fault: swit_grammar::Fault,
    },
    /// There is no transport of this name.
    #[error("publisher `{name}`: there is no transport `{transport}`; configure `[transport.{transport}]`")]
    NoTransport {
        /// The publisher.
        name: Text,
        /// The transport.
        transport: Text,
    },
    /// The service is shutting down.
    #[error("publisher `{name}`: the service is shutting down")]
    Closed {
        /// The publisher.
        name: Text,
    },
}

/// Why a subscriber could not be made, or changed, while the service runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// There is a subscriber of this name already.
    #[error("there is already a subscriber `{name}`; choose another name, or unsubscribe that one first")]
    Taken {
        /// The name.
        name: Text,
    },
    /// The subscriber of this name is being made, or drains: it can't be changed now.
    #[error("the subscriber `{name}` {doing}; try again when that is over")]
    Busy {
        /// The name.
        name: Text,
        /// What it is at.
        doing: &'static str,
    },
    /// There is no subscriber of this name.
    #[error("there is no subscriber `{name}`{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// The name.
        name: Text,
        /// The one whose name is most like it.
        nearest: Option<Text>,
    },
    /// What it is made of does not fit together; nothing was declared.
    #[error("the subscriber `{name}` can't be made:{}", listed(faults))]
    Invalid {
        /// The subscriber.
        name: Text,
        /// Everything that is wrong with it.
        faults: Vec<StartupFault>,
    },
    /// The configuration switches it off.
    #[error("the subscriber `{name}` is switched off by the configuration (`subscriber.{name}.enabled`)")]
    Disabled {
        /// The subscriber.
        name: Text,
    },
    /// The queue of this name was kept when its subscriber was unsubscribed, and is not like the one that is asked for.
    #[error(
        "the queue `{queue}` of the subscriber `{name}` was kept, and is bound otherwise; subscribe as before, or use \
         `unsubscribe_and_delete` for that one"
    )]
    Kept {
        /// The subscriber.
        name: Text,
        /// The queue.
        queue: Text,
    },
    /// Its queue is not the service's own, so it is not deleted.
    #[error("the subscriber `{name}` consumes the existing queue `{queue}`, which is not deleted; use `unsubscribe`")]
    NotOurs {
        /// The subscriber.
        name: Text,
        /// The queue.
        queue: Text,
    },
    /// The service is shutting down.
    #[error("subscriber `{name}`: the service is shutting down")]
    Closed {
        /// The subscriber.
        name: Text,
    },
    /// The service was not started, or has ended.
    #[error("the service does not run: it was not started yet, did not start, or has ended")]
    NotRunning,
}

fn listed(faults: &[StartupFault]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (number, fault) in faults.iter().enumerate() {
        // Writing to a `String` can't fail.
        let _ = write!(text, "\n{:>4}. {fault}", number + 1);
    }
    text
}

/// Why a transport could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("transport `{transport}`: {operation}: {reason}")]
#[non_exhaustive]
pub struct TransportError {
    /// The transport's name.
    pub transport: Text,
    /// What was being done (`connect`, `declare`, `subscribe`).
    pub operation: &'static str,
    /// What went wrong, and what to do about it.
    pub reason: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// The client library's error.
    #[source]
    pub source: Option<BoxError>,
}

impl TransportError {
    /// An error that will not go away by itself.
    pub fn new(transport: impl Into<Text>, operation: &'static str, reason: impl Into<String>) -> Self {
        Self { transport: transport.into(), operation, reason: reason.into(), retryable: false, source: None }
    }

    /// The same error, as one that may go away.
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// The same error with its cause.
    pub fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// Why a service did not start or did not end well.
///
/// Its `Debug` is meant for `main`, which prints it: the whole start-up report, readably.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What the service is made of does not fit together; nothing was started.
    #[error("{0}")]
    Startup(#[from] StartupReport),
    /// A provider failed.
    #[error("provider `{name}` ({location}) failed: {source}")]
    Provider {
        /// The provider.
        name: String,
        /// `file:line` of its attribute.
        location: String,
        /// Its error.
        source: BoxError,
    },
    /// The database could not be opened.
    #[error("the database {place}: {source}")]
    Database {
        /// Where it is, without its password.
        place: String,
        /// What went wrong.
        source: BoxError,
    },
    /// A transport failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Publishing failed.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Shutting down took longer than the deadline; what was unfinished was given back to the transport.
    #[error("{unfinished} deliveries were not finished within the drain deadline of {deadline:?} and were given back")]
    Drain {
        /// Deliveries that were given back.
        unfinished: usize,
        /// The deadline.
        deadline: Duration,
    },
    /// A publisher could not be made.
    #[error(transparent)]
    NotMade(#[from] PublisherError),
    /// A subscriber could not be made, or changed.
    #[error(transparent)]
    NotSubscribed(#[from] SubscribeError),
    /// Shutting down took longer than the deadline; these publications were not confirmed by then, and their outcome is
    /// unknown.
    #[error(
        "{publications} publications were not confirmed within the drain deadline of {deadline:?}; their outcome is unknown"
    )]
    Unconfirmed {
        /// Publications that were not confirmed.
        publications: usize,
        /// The deadline.
        deadline: Duration,
    },
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// The operating system refused something.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// What it said.
        source: std::io::Error,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A fault of the service's wiring, and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartupFault {
    /// `file:line`, a configuration layer, or empty where the whole service is meant.
    pub location: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl StartupFault {
    /// A fault.
    pub fn new(location: impl fmt::Display, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { location: location.to_string(), message: message.into(), help: help.into() }
    }
}

impl fmt::Display for StartupFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.location.is_empty() {
            write!(f, "{}: ", self.location)?;
        }
        f.write_str(&self.message)?;
        if !self.help.is_empty() {
            write!(f, "\n      help: {}", self.help)?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a service, found before anything was started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StartupReport {
    /// The faults, in the order of their places.
    pub faults: Vec<StartupFault>,
}

impl fmt::Display for StartupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.faults.len();
        write!(f, "the service does not start: {count} fault{}", if count == 1 { "" } else { "s" })?;
        for (number, fault) in self.faults.iter().enumerate() {
            write!(f, "\n{:>4}. {fault}", number + 1)?;
        }
        Ok(())
    }
}

impl std::error::Error for StartupReport {}

/// The result of everything that starts, stops or asks the service.
pub type Result<T, E = Error> = std::result::Result<T, E>;
