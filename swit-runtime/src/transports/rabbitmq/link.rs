//! One supervised connection: made, watched, and made again for as long as the transport lives.
//!
//! The client library's own recovery is off: a connection that failed in any way is discarded whole, and what was built
//! on it is built anew on the next one.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use lapin::{Channel, Connection, ConnectionProperties, ErrorKind, Event};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::options::RabbitMqOptions;
use crate::{
    error::TransportError,
    failpoint::{self, Sabotage},
    id::chance,
    said::Shown,
    text::Text,
    transport::{ConnectionState, Status},
};

/// How long one try to connect, or one request to the broker, may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How often a connection is looked at that says nothing.
const LOOK: Duration = Duration::from_secs(1);

/// A connection that stands.
#[derive(Clone)]
pub(super) struct Up {
    connection: Arc<Connection>,
    /// Cancelled when it is lost.
    pub(super) down: CancellationToken,
}

impl Up {
    /// A new channel, or why there is none.
    pub(super) async fn channel(&self) -> Result<Channel, lapin::Error> {
        match timeout(PATIENCE, self.connection.create_channel()).await {
            Ok(channel) => channel,
            Err(_) => Err(ErrorKind::MissingHeartbeatError.into()),
        }
    }

    /// The largest frame that both sides agreed on, in bytes. To the protocol, 0 is no limit.
    pub(super) fn frame_max(&self) -> usize {
        match self.connection.configuration().frame_max() {
            0 => usize::MAX,
            bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
        }
    }
}

/// A supervised connection of one purpose.
pub(super) struct Link {
    transport: Text,
    /// `consume` or `publish`: shown by the broker, and in logs.
    purpose: &'static str,
    options: RabbitMqOptions,
    up: watch::Sender<Option<Up>>,
    status: watch::Sender<Status>,
    reconnects: AtomicU64,
    closing: CancellationToken,
    /// The task that watches the connection.
    task: TaskTracker,
}

impl Link {
    pub(super) fn new(
        transport: Text,
        purpose: &'static str,
        options: RabbitMqOptions,
        closing: CancellationToken,
    ) -> Self {
        let (up, status) = (watch::Sender::new(None), watch::Sender::new(Status::new(ConnectionState::Connecting)));
        Self {
            transport,
            purpose,
            options,
            up,
            status,
            reconnects: AtomicU64::new(0),
            closing,
            task: TaskTracker::new(),
        }
    }

    /// How the connection is.
    pub(super) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// The connection, if it stands now.
    pub(super) fn standing(&self) -> Option<Up> {
        self.up.borrow().clone()
    }

    /// The connection, once it stands. `None`: the transport is closed.
    pub(super) async fn up(&self) -> Option<Up> {
        let mut up = self.up.subscribe();
        tokio::select! {
            biased;
            () = self.closing.cancelled() => None,
            up = up.wait_for(Option::is_some) => up.ok()?.clone(),
        }
    }

    /// Connects for the first time, for as long as the options allow, unless the broker says that it will never do.
    pub(super) async fn connect(self: &Arc<Self>) -> Result<(), TransportError> {
        let deadline = Instant::now() + self.options.connect_timeout;
        let mut tries = 0;
        loop {
            tries += 1;
            let left = deadline.saturating_duration_since(Instant::now()).min(PATIENCE);
            let error = match self.try_connect(left).await {
                Ok(up) => {
                    self.up.send_replace(Some(up.clone()));
                    self.set(ConnectionState::Connected);
                    self.task.spawn(Arc::clone(self).supervise(up));
                    return Ok(());
                }
                Err(error) => error,
            };
            let wait = self.options.reconnect.jittered(tries, chance());
            if !is_worth_another_try(&error) || Instant::now() + wait > deadline {
                let reason = format!("{} can't be reached: {}", self.options.address, describe(&error));
                let failed = TransportError::new(self.transport.clone(), "connect", reason);
                return Err(if is_worth_another_try(&error) { failed.retryable() } else { failed });
            }
            tracing::warn!(
                transport = %self.transport,
                connection = self.purpose,
                error = %describe(&error),
                retry_in = ?wait,
                "the broker can't be reached"
            );
            sleep(wait).await;
        }
    }

    /// Waits until the connection was closed, after the transport was.
    pub(super) async fn ended(&self) {
        self.task.close();
        self.task.wait().await;
    }

    /// One try, which may take this long.
    async fn try_connect(&self, patience: Duration) -> Result<Up, lapin::Error> {
        let name = format!("{} ({})", self.options.client, self.purpose);
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let deaf = failpoint::is_broken(Sabotage::NoHeartbeat);
        let uri = self.options.address.uri(if deaf { Duration::from_mins(10) } else { self.options.heartbeat });
        let runtime = lapin::runtime::default_runtime()?;
        let connecting = Connection::connect_uri_with_config(uri, properties, self.options.tls.config(), runtime);
        let connection = match timeout(patience, connecting).await {
            Ok(connection) => connection?,
            Err(_) => return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        };
        Ok(Up { connection: Arc::new(connection), down: CancellationToken::new() })
    }

    /// Watches the connection and makes it again when it is lost, until the transport is closed.
    async fn supervise(self: Arc<Self>, first: Up) {
        let mut up = first;
        let mut tries = 0;
        loop {
            let began = Instant::now();
            let why = tokio::select! {
                biased;
                () = self.closing.cancelled() => {
                    self.end(&up).await;
                    return;
                }
                why = self.watch(&up) => why,
            };
            tracing::error!(transport = %self.transport, connection = self.purpose, %why, "the connection is lost");
            self.set(ConnectionState::Lost);
            self.up.send_replace(None);
            up.down.cancel();
            // One that ends as soon as it stands is not made again in a tight loop; one that had stood is at once.
            tries = if began.elapsed() > PATIENCE { 0 } else { tries + 1 };
            let Some(again) = self.reconnect(tries).await else { return };
            self.reconnects.fetch_add(1, Ordering::Relaxed);
            tracing::info!(transport = %self.transport, connection = self.purpose, "connected again");
            up = again;
            self.up.send_replace(Some(up.clone()));
            self.set(ConnectionState::Connected);
        }
    }

    /// Tries until it is connected. The first try waits as long as one after so many short-lived connections does.
    async fn reconnect(&self, short_lived: u32) -> Option<Up> {
        let mut tries = short_lived.saturating_sub(1);
        if tries > 0 {
            tokio::select! {
                () = self.closing.cancelled() => return None,
                () = sleep(self.options.reconnect.jittered(tries, chance())) => {}
            }
        }
        loop {
            let attempt = tokio::select! {
                biased;
                () = self.closing.cancelled() => return None,
                attempt = self.try_connect(PATIENCE) => attempt,
            };
            tries += 1;
            let wait = self.options.reconnect.jittered(tries, chance());
            match attempt {
                Ok(up) => return Some(up),
                Err(error) => tracing::warn!(
                    transport = %self.transport,
                    connection = self.purpose,
                    error = %describe(&error),
                    tries,
                    retry_in = ?wait,
                    "the broker can't be reached"
                ),
            }
            tokio::select! {
                () = self.closing.cancelled() => return None,
                () = sleep(wait) => {}
            }
        }
    }

    /// Returns when the connection is lost, with why.
    async fn watch(&self, up: &Up) -> String {
        let mut events = Box::pin(up.connection.events_listener());
        let mut why = "it ended".to_owned();
        let mut silent = 0;
        loop {
            // An event may be missed between two connections: what the connection says of itself is what counts.
            match timeout(LOOK, next(events.as_mut())).await {
                Ok(Some(Event::Error(error))) => why = describe(&error),
                Ok(Some(Event::ConnectionBlocked(reason))) => {
                    let reason = Shown(&reason);
                    tracing::warn!(transport = %self.transport, connection = self.purpose, %reason, "blocked by the broker");
                    self.set(ConnectionState::Blocked);
                }
                Ok(Some(Event::ConnectionUnblocked)) => {
                    tracing::info!(transport = %self.transport, connection = self.purpose, "no longer blocked");
                    self.set(ConnectionState::Connected);
                }
                Ok(None) => return why,
                Ok(Some(_)) => {}
                Err(_) => silent += 1,
            }
            if silent == 3 && failpoint::is_broken(Sabotage::Impatience) {
                return "it said nothing".to_owned();
            }
            if !up.connection.status().connected() {
                return why;
            }
        }
    }

    async fn end(&self, up: &Up) {
        self.set(ConnectionState::Closed);
        self.up.send_replace(None);
        up.down.cancel();
        if let Ok(Err(error)) = timeout(LOOK, up.connection.close(200, "".into())).await {
            tracing::debug!(transport = %self.transport, connection = self.purpose, error = %describe(&error), "closing");
        }
    }

    fn set(&self, state: ConnectionState) {
        let reconnects = self.reconnects.load(Ordering::Relaxed);
        self.status.send_replace(Status { state, reconnects });
    }
}

async fn next<S: futures_util::Stream>(events: Pin<&mut S>) -> Option<S::Item> {
    let mut events = events;
    events.next().await
}

/// Whether the broker may answer otherwise later. What it forbids, or a certificate that can't be verified, stays so.
fn is_worth_another_try(error: &lapin::Error) -> bool {
    match error.kind() {
        ErrorKind::ProtocolError(_) | ErrorKind::AuthProviderError(_) | ErrorKind::InvalidProtocolVersion(_) => false,
        ErrorKind::IOError(error) => {
            !matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput)
        }
        _ => true,
    }
}

/// An error of the client library in words, without what it may repeat of a message.
pub(super) fn describe(error: &lapin::Error) -> String {
    crate::outcome::one_line(error)
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("purpose", &self.purpose)
            .field("status", &*self.status.borrow())
            .finish_non_exhaustive()
    }
}
