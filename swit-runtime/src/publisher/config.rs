//! The options of a named publisher, wherever they come from.

use std::time::Duration;

use swit_grammar::{
    Fault,
    name::check_name,
    publisher::{check_capacity, check_confirm},
};

use crate::{compression::Compression, event::Unrouted, registry::Batching, text::Text};

/// A named publisher in the making: the options of `#[publisher]`, for one that is made while the service runs.
///
/// ```
/// use std::time::Duration;
/// use swit_runtime::publisher::PublisherConfig;
///
/// let config = PublisherConfig::new("partner-acme").confirm(Duration::from_secs(2)).background(500);
/// assert_eq!(config.name, "partner-acme");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "options make no publisher"]
pub struct PublisherConfig {
    /// Its name, unique in the app.
    pub name: Text,
    /// How long one publication waits for room and for its confirmation.
    pub confirm: Option<Duration>,
    /// When publications that are held back go out.
    pub batch: Option<Batching>,
    /// What bodies are compressed with.
    pub compression: Compression,
    /// How many publications an asynchronous publisher may hold; `None`: it is not asynchronous.
    pub capacity: Option<u32>,
    /// What happens to what no queue takes, instead of what the event says.
    pub unrouted: Option<Unrouted>,
    /// The transport.
    pub transport: Text,
}

impl PublisherConfig {
    /// A publisher of this name, to the transport `default`.
    pub fn new(name: impl Into<Text>) -> Self {
        Self {
            name: name.into(),
            confirm: None,
            batch: None,
            compression: Compression::None,
            capacity: None,
            unrouted: None,
            transport: Text::from_static("default"),
        }
    }

    /// Waits at most this long for room and confirmation of one publication.
    pub fn confirm(mut self, confirm: Duration) -> Self {
        self.confirm = Some(confirm);
        self
    }

    /// Holds publications back and hands them over together.
    pub fn batch(mut self, batch: Batching) -> Self {
        self.batch = Some(batch);
        self
    }

    /// Compresses bodies.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Asynchronous: `publish` returns when a queue has taken the message, of which it holds at most this many.
    pub fn background(mut self, capacity: u32) -> Self {
        self.capacity = Some(capacity);
        self
    }

    /// Treats what no queue takes like this, whatever the event says.
    pub fn unrouted(mut self, unrouted: Unrouted) -> Self {
        self.unrouted = Some(unrouted);
        self
    }

    /// To this transport.
    pub fn transport(mut self, transport: impl Into<Text>) -> Self {
        self.transport = transport.into();
        self
    }

    /// Checks every option, as the attribute's are checked while compiling.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        check_name(&self.name)?;
        check_name(&self.transport).map_err(|fault| fault.at("transport"))?;
        self.confirm.map_or(Ok(()), check_confirm)?;
        self.capacity.map_or(Ok(()), check_capacity)?;
        self.batch.map_or(Ok(()), |batch| batch.check())?;
        self.compression.check().map_err(|fault| fault.at("compression"))
    }
}
