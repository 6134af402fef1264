//! The way out of one publisher: through middleware, check, compression and batch to the transport.
//!
//! Without any of them a publication costs no box and no allocation of ours where the transport answers at once.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use super::{
    Confirmation, PublisherConfig,
    batch::{Hurry, Kept},
    check::check,
    flight::{Answer, Flight, Flights},
    home::Home,
    port::{Outgoing, Port},
    series::Ticket,
    turns::{Turn, Turns},
};
use crate::{
    classify::Class,
    codec::EncodeError,
    compression::{self, Compression},
    error::PublishError,
    event::Unrouted,
    failpoint::{self, Sabotage},
    id::MessageId,
    message::Message,
    middleware::{HandOver, PublishLink, PublishNext},
    store::{Enlisted, Joined},
    text::Text,
    trace::{self, Pending, Under},
    transport::{BoxFuture, Publish},
};

/// The way out of one publisher.
#[derive(Debug)]
pub(crate) struct Path {
    port: Port,
    /// The name of the transport.
    transport: Text,
    /// Its name, where it has one.
    publisher: Option<Text>,
    /// Nothing stands between a message and the transport but its check.
    plain: bool,
    confirm: Option<Duration>,
    unrouted: Option<Unrouted>,
    compression: Compression,
    chain: Chain,
    batch: Option<Kept>,
    flights: Flights,
}

/// The middleware of a publisher, outermost first.
pub(super) type Links = Box<[PublishLink]>;

struct Chain(Links);

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} middleware", self.0.len())
    }
}

impl Path {
    /// A publisher without a name and without options.
    pub(super) fn plain(home: Arc<Home>, transport: Text, port: Arc<dyn Publish>, chain: Links) -> Self {
        Self {
            port: Port::new(home, port),
            transport,
            publisher: None,
            plain: chain.is_empty(),
            confirm: None,
            unrouted: None,
            compression: Compression::None,
            chain: Chain(chain),
            batch: None,
            flights: Flights::default(),
        }
    }

    /// A publisher with these options.
    pub(super) fn named(home: Arc<Home>, port: Arc<dyn Publish>, chain: Links, config: &PublisherConfig) -> Self {
        let plain = Self::plain(home, config.transport.clone(), port, chain);
        let batch = config.batch.map(|limits| Kept::new(plain.port.clone(), limits, config.confirm));
        Self {
            publisher: Some(config.name.clone()),
            plain: plain.plain && batch.is_none() && config.compression == Compression::None,
            confirm: config.confirm,
            unrouted: config.unrouted,
            compression: config.compression,
            batch,
            ..plain
        }
    }

    pub(super) fn home(&self) -> &Arc<Home> {
        &self.port.home
    }

    pub(super) fn name(&self) -> Option<&Text> {
        self.publisher.as_ref()
    }

    /// How many publications its batches have at most; 0 where it has none.
    pub(super) fn batch_of(&self) -> usize {
        self.batch.as_ref().map_or(0, |kept| kept.batch().messages())
    }

    /// What keeps the order of a publisher's publications, where middleware could change it.
    pub(crate) fn turns(&self) -> Option<Arc<Turns>> {
        (!self.chain.0.is_empty()).then(Arc::default)
    }

    /// Gives a message what it must have: an id and a time.
    #[inline]
    pub(super) fn complete(&self, outgoing: &mut Outgoing) {
        let now = self.port.home.clock.now();
        let message = &mut outgoing.message;
        if message.id.is_empty() {
            message.id = MessageId::new(now);
        }
        message.timestamp.get_or_insert(now);
        outgoing.unrouted = self.unrouted.unwrap_or(outgoing.unrouted);
    }

    #[inline]
    pub(super) fn check(&self, message: &Message) -> Result<(), PublishError> {
        check(message, &self.port.home.limits)
    }

    /// Begins the span of a publication, where somebody traces, and writes into its headers what belongs to it.
    #[inline]
    pub(crate) fn trace(&self, message: &mut Message, under: Under<'_>) -> Option<Box<dyn Pending>> {
        self.port.home.trace.as_ref()?.send(message, &self.transport, under)
    }

    /// Whether somebody traces.
    #[inline]
    pub(super) fn is_traced(&self) -> bool {
        self.port.home.trace.is_some()
    }

    /// Starts to publish. `turns` are those of whoever publishes one message after the other.
    #[inline]
    pub(crate) fn publish(self: &Arc<Self>, mut outgoing: Outgoing, turns: Option<&Arc<Turns>>) -> Confirmation {
        // What belongs to a transaction is counted by whoever publishes it once that is committed.
        let published = self.home().published.as_ref().filter(|_| outgoing.joined.is_none());
        // One with a name that publishes what nobody registered was made while the service runs.
        let learns = self.publisher.is_some();
        let ticket = published.map(|published| published.begin(&outgoing.message.topic, learns));
        if !self.plain {
            return self.detour(outgoing, turns, ticket);
        }
        if let Err(error) = self.check(&outgoing.message) {
            return self.refused(ticket, outgoing.pending, error);
        }
        self.complete(&mut outgoing);
        self.send(outgoing, ticket)
    }

    #[inline]
    fn send(&self, mut outgoing: Outgoing, ticket: Option<Ticket>) -> Confirmation {
        if let Some(joined) = outgoing.joined.take()
            && !failpoint::is_broken(Sabotage::PublishBeforeCommit)
        {
            return Confirmation::ready(self.enlist(outgoing, &joined));
        }
        match self.port.send(outgoing, self.confirm) {
            Err(answer) => self.ready(ticket, answer),
            Ok(sent) => self.follow(Flight::sent(sent, self.home().clone(), self.publisher.clone(), ticket)),
        }
    }

    /// Puts it into the transaction that it belongs to.
    fn enlist(&self, outgoing: Outgoing, joined: &Joined) -> Answer {
        let Outgoing { message, delay, unrouted, pending, .. } = outgoing;
        let (id, now) = (message.id.clone(), self.port.home.clock.now());
        let due = (!delay.is_zero()).then(|| now + delay);
        let answer = joined.enlist(Enlisted { message, transport: self.transport.clone(), unrouted, due }).map(|()| id);
        trace::answer(pending, &answer);
        answer
    }

    /// Answered at once.
    #[inline]
    fn ready(&self, ticket: Option<Ticket>, answer: Answer) -> Confirmation {
        if let (Some(published), Some(ticket)) = (&self.home().published, ticket) {
            published.answered(ticket, &answer);
        }
        Confirmation::ready(answer)
    }

    fn follow(&self, flight: Arc<Flight>) -> Confirmation {
        if flight.is_done() {
            return Confirmation::ready(flight.take_answer());
        }
        self.flights.add(&flight);
        Confirmation::flying(flight)
    }

    fn refused(&self, ticket: Option<Ticket>, pending: Option<Box<dyn Pending>>, error: PublishError) -> Confirmation {
        let answer = Err(error);
        trace::answer(pending, &answer);
        self.ready(ticket, answer)
    }

    /// The way through whatever this publisher has.
    fn detour(
        self: &Arc<Self>,
        mut outgoing: Outgoing,
        turns: Option<&Arc<Turns>>,
        ticket: Option<Ticket>,
    ) -> Confirmation {
        if self.chain.0.is_empty() {
            if let Err(error) = self.check(&outgoing.message) {
                return self.refused(ticket, outgoing.pending, error);
            }
            self.complete(&mut outgoing);
            let pending = outgoing.pending.take();
            return match self.encode(outgoing) {
                Err(error) => self.refused(ticket, pending, error),
                Ok(outgoing) => {
                    let outgoing = Outgoing { pending, ..outgoing };
                    match &self.batch {
                        Some(kept) if outgoing.joined.is_none() => self.follow(self.hold(kept, outgoing, ticket)),
                        _ => self.send(outgoing, ticket),
                    }
                }
            };
        }
        self.complete(&mut outgoing);
        let turn = turns.map(Turns::take);
        let pending = outgoing.pending.take();
        let chain = run_chain(self.clone(), outgoing, turn);
        // Middleware is part of it, however often it hands the message over.
        let chain = Box::pin(async move {
            let answer = chain.await;
            trace::answer(pending, &answer);
            answer
        });
        self.follow(Flight::through(chain, self.home().clone(), self.publisher.clone(), ticket))
    }

    fn encode(&self, mut outgoing: Outgoing) -> Result<Outgoing, PublishError> {
        outgoing.message = compression::encode(outgoing.message, self.compression).map_err(EncodeError::from)?;
        Ok(outgoing)
    }

    fn hold(&self, kept: &Kept, outgoing: Outgoing, ticket: Option<Ticket>) -> Arc<Flight> {
        let flight = Flight::held(self.home().clone(), self.publisher.clone(), ticket);
        kept.batch().hold(flight.clone(), outgoing);
        flight
    }

    /// Holds nothing back while the guard lives.
    pub(super) fn hurry(&self) -> Option<Hurry> {
        self.batch.as_ref().map(|kept| kept.batch().hurry())
    }

    /// Publications that have started and are not answered.
    pub(super) fn outstanding(&self) -> Vec<Arc<Flight>> {
        self.flights.outstanding()
    }

    /// Whether publications may wait here without anybody awaiting them.
    pub(super) fn holds(&self) -> bool {
        self.batch.is_some()
    }
}

/// Refuses a publication, and ends its span.
pub(super) fn refused(pending: Option<Box<dyn Pending>>, error: PublishError) -> Confirmation {
    if let Some(pending) = pending {
        pending.end(Err(&error));
    }
    Confirmation::refused(error)
}

/// Runs the middleware of a publisher, which sees the message with its id; what comes out is checked and handed over.
///
/// A panic of a middleware is its refusal: whoever polls this, a handler, a flush or a background task, goes on.
async fn run_chain(path: Arc<Path>, outgoing: Outgoing, turn: Option<Turn>) -> Answer {
    let home = path.home().clone();
    if !home.is_open() {
        // What the middleware takes from the service is not built yet.
        home.opened.cancelled().await;
    }
    let Some(scope) = home.scope() else { return Err(PublishError::Closed) };
    let Outgoing { mut message, delay, unrouted, under_delivery, joined, .. } = outgoing;
    let last = Last { path: &path, delay, unrouted, under_delivery, turn, joined };
    let next = PublishNext::new(&path.chain.0, &last, &scope, path.publisher.as_ref());
    let mut run = next.run(&mut message);
    std::future::poll_fn(|task| {
        catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(task)))
            .unwrap_or_else(|_| Poll::Ready(Err(PublishError::prevented(Class::Transient, "it panicked"))))
    })
    .await
}

/// What stands behind the middleware.
struct Last<'a> {
    path: &'a Path,
    delay: Duration,
    unrouted: Unrouted,
    under_delivery: bool,
    turn: Option<Turn>,
    joined: Option<Joined>,
}

impl HandOver for Last<'_> {
    fn hand_over<'a>(&'a self, message: &'a mut Message) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let path = self.path;
            if message.id.is_empty() {
                return Err(PublishError::EmptyId { topic: message.topic.clone() });
            }
            path.check(message)?;
            let Self { delay, unrouted, under_delivery, .. } = *self;
            let outgoing = path.encode(Outgoing {
                message: message.clone(),
                delay,
                unrouted,
                under_delivery,
                pending: None,
                joined: None,
            })?;
            if let Some(turn) = &self.turn {
                turn.comes().await;
            }
            if let Some(joined) = &self.joined {
                let answer = path.enlist(outgoing, joined);
                if let Some(turn) = &self.turn {
                    turn.pass();
                }
                return answer;
            }
            let way = match &path.batch {
                // Counted with the flight that it is a part of.
                Some(kept) => Ok(path.hold(kept, outgoing, None)),
                None => Err(path.port.send(outgoing, path.confirm)),
            };
            if let Some(turn) = &self.turn {
                turn.pass();
            }
            match way {
                Ok(flight) => std::future::poll_fn(|task| flight.poll_answer(task)).await,
                Err(Ok(sent)) => sent.await,
                Err(Err(answer)) => answer,
            }
        })
    }
}
