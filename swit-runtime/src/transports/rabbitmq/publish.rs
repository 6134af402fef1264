//! The task that owns the publishing channel: sends in order, holds every confirmation, answers each caller.
//!
//! One task, since two threads that publish on one channel may swap confirmations, and since a return is only known to
//! be nobody else's once all confirmations that are there were looked at ([`Returns`]).

use std::{
    future::Future,
    iter,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use lapin::{
    BasicProperties, Channel, Confirmation, ErrorKind,
    message::BasicReturnMessage,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::{AMQPValue, ShortString},
};
use tokio::{
    sync::oneshot,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    core::Core,
    delays::{Delays, waits_in},
    encode,
    ended::Ended,
    link::{PATIENCE, Up, describe},
    outlet::{Outlet, Ticket},
    returns::{Answer, Returns},
    route::{self, destination},
};
use crate::{
    error::PublishError,
    failpoint::{self, Sabotage},
    headers::names as headers,
    id::chance,
    outcome::one_line,
    text::Text,
    transport::{ConnectionState, Publication, Receipt, Room, Target},
};

/// How often it is looked for publications whose time is over.
const TICK: Duration = Duration::from_millis(50);
/// After so long with refusals, the channel is exchanged: RabbitMQ remembers for each channel which quorum queues are
/// full, and forgets to tell it when the limit that a policy set is taken away.
const REFUSING: Duration = Duration::from_secs(10);

/// Before a channel is exchanged that leaves a publication unconfirmed, what else is on its way has so long to be confirmed.
const STUCK: Duration = Duration::from_secs(1);
/// The reply code of an exchange that does not exist.
const NOT_FOUND: u16 = 404;
/// So many channels that were closed soon lead to the longest wait before the next one, of about two seconds: others wait
/// as well, who did nothing to it.
const MOST_TRIES: u32 = 4;

/// Takes publications to the broker until the transport is closed.
pub(super) async fn run(core: Arc<Core>, outlet: Arc<Outlet>) {
    let (mut tries, mut is_missing) = (0, false);
    loop {
        let Some(up) = patient(&outlet, "the broker can't be reached", core.publish.up()).await else { break };
        match patient(&outlet, "the broker gives no channel", open(&core, &up, is_missing)).await {
            Ok(channel) => {
                let (opened, mut sender) = (Instant::now(), Sender::new(&core, &outlet, &up, channel));
                if sender.serve().await {
                    break;
                }
                let closed = sender.ended.as_ref().and_then(Ended::by_the_broker);
                if let Some(why) = closed {
                    tracing::error!(transport = %core.name, error = %one_line(why), "the broker ended the channel that publishes");
                }
                // What one publication does to the channel, it does to all others: not again and again at once.
                let again = closed.is_some() && opened.elapsed() < PATIENCE;
                tries = if again { MOST_TRIES.min(tries + 1) } else { 0 };
                is_missing = closed.is_some_and(|why| why.get_id() == NOT_FOUND);
            }
            Err(error) => {
                tries += 1;
                tracing::error!(transport = %core.name, error = %describe(&error), tries, "can't publish");
            }
        }
        let wait = if tries > 0 { core.options.reconnect.jittered(tries, chance()) } else { Duration::ZERO };
        patient(&outlet, "the broker can't be reached", async {
            tokio::select! {
                () = sleep(wait) => {}
                () = core.ending.cancelled() => {}
            }
        })
        .await;
    }
    outlet.refuse_all();
}

/// A channel that confirms. If an exchange `is_missing`, all that may be made is made again before.
async fn open(core: &Core, up: &Up, is_missing: bool) -> Result<Channel, lapin::Error> {
    if is_missing
        && core.options.declare
        && let Err(error) = core.restore(up).await
    {
        tracing::warn!(transport = %core.name, error = %describe(&error), "can't make again what was deleted");
    }
    let channel = up.channel().await?;
    match timeout(PATIENCE, channel.confirm_select(ConfirmSelectOptions::default())).await {
        Ok(selected) => selected.map(|()| channel),
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}

/// Waits, and meanwhile answers those whose time is over.
async fn patient<T>(outlet: &Outlet, why: &'static str, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        match timeout(TICK, &mut future).await {
            Ok(done) => return done,
            Err(_) => outlet.expire(why),
        }
    }
}

/// A publication that was sent.
struct Sent {
    answer: Option<oneshot::Sender<Result<Receipt, PublishError>>>,
    destination: Text,
    is_addressed: bool,
    /// Where it waits for its time.
    waits_in: Option<Text>,
    deadline: Instant,
    since: Instant,
    began: Instant,
}

impl Sent {
    fn answer(&mut self, answer: Result<Receipt, PublishError>) {
        if let Some(waiting) = self.answer.take() {
            // Whoever does not wait any more does not want to know.
            let _ = waiting.send(answer);
        }
    }
}

type Confirming = Pin<Box<dyn Future<Output = (u64, Result<Confirmation, lapin::Error>)> + Send>>;

/// One channel, for as long as it lasts.
struct Sender<'a> {
    core: &'a Core,
    outlet: &'a Outlet,
    up: &'a Up,
    channel: Channel,
    returns: Returns<Sent>,
    confirming: FuturesUnordered<Confirming>,
    delays: Delays<'a>,
    /// When the first publication on this channel was refused.
    refused: Option<Instant>,
    /// When the broker was last seen to block the connection.
    blocked: Option<Instant>,
    /// The first that was heard of its end.
    ended: Option<Ended>,
}

impl<'a> Sender<'a> {
    fn new(core: &'a Core, outlet: &'a Outlet, up: &'a Up, channel: Channel) -> Self {
        Self {
            core,
            outlet,
            up,
            returns: Returns::new(),
            confirming: FuturesUnordered::new(),
            delays: Delays::new(core, up, channel.clone()),
            channel,
            refused: None,
            blocked: None,
            ended: None,
        }
    }

    /// Sends and answers until the channel ends (false), or the transport is closed and nothing is left (true).
    async fn serve(&mut self) -> bool {
        let mut ticking = interval(TICK);
        ticking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let stuck = self.stuck();
            let refusing = self.refused.filter(|_| !self.outlet.is_closed()).map_or(Duration::ZERO, |at| at.elapsed());
            if stuck >= STUCK
                || (!stuck.is_zero() && !self.is_waited_for())
                || (refusing >= REFUSING && (self.returns.len() == 0 || refusing >= 2 * REFUSING))
            {
                let _ = timeout(TICK, self.channel.close(200, ShortString::default())).await;
                return self.lost().await;
            }
            // A channel that is gone takes nothing: what waits, waits for the next one.
            while refusing < REFUSING
                && stuck.is_zero()
                && self.channel.status().connected()
                && let Some(ticket) = self.outlet.next(self.returns.len() < self.core.options.window)
            {
                self.send(ticket);
                // What was confirmed meanwhile makes room.
                if self.returns.len().is_multiple_of(64) {
                    self.collect();
                }
            }
            // A confirmation may be there with the first look at it.
            self.collect();
            if self.outlet.is_closed() && self.outlet.is_empty() && self.delays.is_empty() && !self.is_waited_for() {
                return true;
            }
            if !self.channel.status().connected() {
                return self.lost().await;
            }
            tokio::select! {
                biased;
                () = self.up.down.cancelled() => return self.lost().await,
                Some((number, confirmed)) = self.confirming.next() => {
                    self.confirmed(number, confirmed);
                    self.collect();
                }
                Some(waiting) = self.delays.made() => self.outlet.put_back(waiting.into_iter()),
                () = self.outlet.changed.notified() => {}
                _ = ticking.tick() => {
                    self.outlet.expire("the broker confirms nothing");
                    self.delays.expire();
                    self.expire();
                    if self.core.publish.status().borrow().state == ConnectionState::Blocked {
                        self.blocked = Some(Instant::now());
                    }
                }
            }
        }
    }

    fn send(&mut self, ticket: Ticket) {
        let number = self.returns.next();
        let (exchange, key, properties) = match self.encode(&ticket.publication, number) {
            Ok(encoded) => encoded,
            Err(error) => {
                let _ = ticket.answer.send(Err(error));
                return;
            }
        };
        let place = waits_in(&ticket.publication, &self.core.options.exchange);
        let admitted = match &place {
            Some(place) => self.delays.admit(place, ticket),
            None => Some(ticket),
        };
        let Some(ticket) = admitted else { return };
        let Ticket { publication, since, .. } = &ticket;
        let is_addressed = matches!(publication.target, Target::Queue(_));
        let (channel, payload) = (self.channel.clone(), publication.message.payload.clone());
        let mut confirming: Confirming = Box::pin(async move {
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let confirmed = match channel.basic_publish(exchange, key, options, &payload, properties).await {
                Ok(confirm) => confirm.await,
                Err(error) => Err(error),
            };
            (number, confirmed)
        });
        // The first poll queues its frames: here, so that they stand in the order of publishing.
        let polled = confirming.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready((_, Err(error))) = &polled
            && is_unsent(error)
        {
            self.outlet.put_back(iter::once(ticket));
            return;
        }
        let limit = match publication.room {
            Room::WaitAtMost(limit) => limit.saturating_sub(since.elapsed()).min(self.core.options.confirm_timeout),
            Room::Wait | Room::Replaces => self.core.options.confirm_timeout,
        };
        let (destination, since, began) = (destination(publication), *since, Instant::now());
        let mut answer = Some(ticket.answer);
        if failpoint::is_broken(Sabotage::TrustUnconfirmed)
            && let Some(answer) = answer.take()
        {
            let _ = answer.send(Ok(Receipt::new(true)));
        }
        self.returns.push(Sent {
            answer,
            destination,
            is_addressed,
            waits_in: place,
            deadline: began + limit,
            since,
            began,
        });
        match polled {
            Poll::Ready((number, confirmed)) => self.confirmed(number, confirmed),
            Poll::Pending => self.confirming.push(confirming),
        }
    }

    /// The exchange, the routing key and the properties of a publication under this number.
    fn encode(
        &self,
        publication: &Publication,
        number: u64,
    ) -> Result<(ShortString, ShortString, BasicProperties), PublishError> {
        let message = &publication.message;
        let is_addressed = matches!(publication.target, Target::Queue(_));
        let room = encode::room(self.up.frame_max());
        let properties = encode::properties(message, number, is_addressed, room)?;
        let (exchange, key) = route::of(publication, &self.core.options.exchange)?;
        let short = |what, text: &str| encode::short(message, what, text);
        Ok((short("an exchange's name in bytes", &exchange)?, short("a routing key in bytes", &key)?, properties))
    }

    /// Takes all confirmations that are there, then answers whom it may.
    fn collect(&mut self) {
        while let Some(Some((number, confirmed))) = self.confirming.next().now_or_never() {
            self.confirmed(number, confirmed);
        }
        let (delays, refused) = (&mut self.delays, &mut self.refused);
        self.returns.answer(|mut sent, Answer { accepted, routed }| {
            let destination = sent.destination.clone();
            if !routed && let Some(place) = &sent.waits_in {
                delays.forget(place);
            }
            sent.answer(match (accepted, routed) {
                (false, _) => {
                    refused.get_or_insert_with(Instant::now);
                    Err(PublishError::Refused { destination, reason: "it was not accepted by a queue".to_owned() })
                }
                (true, false) if sent.is_addressed => Err(PublishError::Unrouted { destination }),
                (true, routed) => Ok(Receipt::new(routed)),
            });
        });
    }

    fn confirmed(&mut self, number: u64, confirmed: Result<Confirmation, lapin::Error>) {
        let sequence = |returned: &BasicReturnMessage| {
            if failpoint::is_broken(Sabotage::TakeAnyReturn) { Some(number) } else { sequence(returned) }
        };
        match confirmed {
            Ok(Confirmation::Nack(_)) if failpoint::is_broken(Sabotage::TakeANackForAnAck) => {
                self.returns.confirmed(number, true, None);
            }
            Ok(Confirmation::Ack(returned)) => {
                self.returns.confirmed(number, true, returned.as_ref().and_then(&sequence));
            }
            Ok(Confirmation::Nack(returned)) => {
                self.returns.confirmed(number, false, returned.as_ref().and_then(&sequence));
            }
            // The channel is in confirm mode from its first moment on.
            Ok(Confirmation::NotRequested) => self.returns.confirmed(number, true, None),
            Err(_) if failpoint::is_broken(Sabotage::ConfirmWhatIsLost) => self.returns.confirmed(number, true, None),
            Err(error) => {
                let alone = self.returns.len() == 1;
                let ended = self.ended.get_or_insert(Ended { error, alone });
                if let Some(mut sent) = self.returns.failed(number) {
                    let destination = sent.destination.clone();
                    sent.answer(Err(match ended.refusal() {
                        Some(reason) => PublishError::Refused { destination, reason },
                        None => PublishError::Lost { destination },
                    }));
                }
            }
        }
    }

    /// Answers those whose confirmation takes too long: what became of them is unknown.
    fn expire(&mut self) {
        if failpoint::is_broken(Sabotage::WaitForEver) {
            return;
        }
        let now = Instant::now();
        for sent in self.returns.values().filter(|sent| sent.answer.is_some() && sent.deadline <= now) {
            let (destination, waited) = (sent.destination.clone(), sent.since.elapsed());
            sent.answer(Err(PublishError::Timeout { destination, waited }));
        }
    }

    /// Whether anybody waits for what was sent.
    fn is_waited_for(&mut self) -> bool {
        self.returns.values().any(|sent| sent.answer.is_some())
    }

    /// For how long it has been known that the oldest publication will not be confirmed any more. It holds its place in the
    /// window for as long as its channel lasts. While the broker blocks the connection, it confirms nothing.
    fn stuck(&self) -> Duration {
        let Some(oldest) = self.returns.oldest() else { return Duration::ZERO };
        let since = self.blocked.map_or(oldest.began, |blocked| blocked.max(oldest.began));
        since.elapsed().saturating_sub(self.core.options.confirm_timeout.saturating_mul(2))
    }

    /// The channel is gone: what was sent and not confirmed has an unknown outcome. Whether the transport is closed.
    async fn lost(&mut self) -> bool {
        // A channel has ended before it says so to those who wait for a confirmation: they learn why.
        let ending = async {
            while let Some((number, confirmed)) = self.confirming.next().await {
                self.confirmed(number, confirmed);
            }
        };
        let _ = timeout(TICK, ending).await;
        self.collect();
        for mut sent in self.returns.drain() {
            let destination = sent.destination.clone();
            sent.answer(Err(PublishError::Lost { destination }));
        }
        self.outlet.put_back(self.delays.take_all().into_iter());
        self.outlet.is_closed()
    }
}

/// Whether nothing of a publication was handed to the connection: its channel had ended already.
fn is_unsent(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidChannelState(_, "basic.publish"))
}

/// The number of a publication that came back.
fn sequence(returned: &BasicReturnMessage) -> Option<u64> {
    let headers = returned.delivery.properties.headers().as_ref()?;
    match headers.inner().get(&ShortString::try_new(headers::SEQUENCE.as_str()).ok()?)? {
        AMQPValue::LongLongInt(number) => Some(number.cast_unsigned()),
        _ => None,
    }
}
