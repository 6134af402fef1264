//! Walking over a queue: each message is got once and held; what was not taken is put back one by one, first to last.
//!
//! Messages are got singly, not streamed to a consumer: so no more is in this process than is looked at, and no more is
//! handed out than was asked for. They are put back singly too: a quorum queue puts what is given back behind what was
//! given back before it, and a channel that is merely closed gives back in no order.
//!
//! A channel sends a quorum queue at most 32 commands that the queue has not applied yet. It stashes what comes then, mixes
//! it up, and forgets it when it is closed. So the walk waits for the queue after every few of them.
//!
//! Whatever is handed out and put back counts as a delivery (`x-delivery-count`), and a queue with a delivery limit drops
//! or dead-letters what exceeds it. swit's dead-letter queues have none; but RabbitMQ 4 gives quorum queues that have none
//! a limit of 20, unless a policy says `delivery-limit: -1`.

use std::{collections::BTreeSet, time::UNIX_EPOCH};

use lapin::{
    BasicProperties, Channel,
    message::BasicGetMessage,
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicQosOptions,
    },
    types::{AMQPValue, FieldTable, ShortString},
};
use tokio::time::timeout;

use super::{Core, NOT_FOUND, code};
use crate::{
    error::TransportError,
    text::Text,
    transport::{BoxFuture, Death, Lying, Place, Walk},
    transports::rabbitmq::{
        declare::{in_time, short},
        decode::{self, Seen},
        link::{PATIENCE, describe},
        wanted::table,
    },
};

/// Begins a walk. The first message is got now: only with it comes how many lie there; what a quorum queue tells of itself
/// otherwise is seconds old.
pub(super) async fn walk(core: &Core, queue: &str) -> Result<Option<Box<dyn Walk>>, TransportError> {
    let Some(up) = core.consume.up().await else { return Err(core.closed("look into a queue")) };
    let failed = |error: &lapin::Error| core.failed("look into a queue", queue, error);
    let name = short(queue).map_err(|error| failed(&error))?;
    let channel = up.channel().await.map_err(|error| failed(&error))?;
    // Of what consumes on this channel.
    let waiting = in_time(channel.basic_qos(1, BasicQosOptions { global: false }));
    waiting.await.map_err(|error| failed(&error))?;
    let first = match in_time(channel.basic_get(name.clone(), HELD)).await {
        Ok(first) => first,
        Err(error) if code(&error) == NOT_FOUND => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let len = first.as_ref().map_or(0, |first| u64::from(first.message_count) + 1);
    let out = first.iter().map(|first| first.delivery.delivery_tag).collect();
    let (transport, texts) = (core.name.clone(), Seen::default());
    Ok(Some(Box::new(RabbitMqWalk { transport, channel, queue: name, len, seen: 0, first, out, burst: 0, texts })))
}

/// Until it is acknowledged or put back.
const HELD: BasicGetOptions = BasicGetOptions { no_ack: false };

/// How many messages lie in a queue, exactly: one is got, and put back.
pub(super) async fn count(channel: &Channel, queue: &str) -> Result<u64, lapin::Error> {
    let Some(first) = in_time(channel.basic_get(short(queue)?, HELD)).await? else { return Ok(0) };
    channel.basic_nack(first.delivery.delivery_tag, BACK).await?;
    Ok(u64::from(first.message_count) + 1)
}

/// How many messages are settled before the queue is waited for.
const BURST: u32 = 16;

/// To its queue.
const BACK: BasicNackOptions = BasicNackOptions { requeue: true, multiple: false };

/// A walk over a queue, on a channel of its own.
struct RabbitMqWalk {
    transport: Text,
    channel: Channel,
    queue: ShortString,
    len: u64,
    seen: u64,
    /// The first message, until somebody asks for it.
    first: Option<BasicGetMessage>,
    /// The delivery tags of what was handed out and not taken.
    out: BTreeSet<u64>,
    /// How many were settled since the queue was last waited for.
    burst: u32,
    texts: Seen,
}

impl RabbitMqWalk {
    fn failed(&self, error: &lapin::Error) -> TransportError {
        let reason = format!("`{}`: {}", self.queue, describe(error));
        TransportError::new(self.transport.clone(), "walk over a queue", reason).caused_by(error.clone()).retryable()
    }

    async fn put_back(&mut self) -> Result<(), lapin::Error> {
        self.applied().await?;
        while let Some(tag) = self.out.pop_first() {
            self.channel.basic_nack(tag, BACK).await?;
            self.settled().await?;
        }
        self.applied().await?;
        in_time(self.channel.close(200, ShortString::default())).await
    }

    async fn settled(&mut self) -> Result<(), lapin::Error> {
        self.burst += 1;
        if self.burst < BURST { Ok(()) } else { self.applied().await }
    }

    /// Waits until the queue has applied everything. A consumer comes and goes, each with a command that the broker answers
    /// once the queue has applied it and all before it. It has no credit, so it is handed nothing; a broker that knows no
    /// credit may hand it one message, which then is put back out of its order.
    async fn applied(&mut self) -> Result<(), lapin::Error> {
        if self.burst == 0 {
            return Ok(());
        }
        self.burst = 0;
        let credit = [("credit", AMQPValue::LongLongInt(0)), ("drain", AMQPValue::Boolean(false))];
        let arguments = table([("x-credit", AMQPValue::FieldTable(table(credit)))]);
        let (options, tag) = (BasicConsumeOptions::default(), ShortString::default());
        let consuming = self.channel.basic_consume(self.queue.clone(), tag, options, arguments);
        let consumer = in_time(consuming).await?;
        in_time(self.channel.basic_cancel(consumer.tag(), BasicCancelOptions { nowait: false })).await
    }
}

impl Walk for RabbitMqWalk {
    fn len(&self) -> u64 {
        self.len
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Lying>, TransportError>> {
        Box::pin(async {
            if self.seen == self.len {
                return Ok(None);
            }
            let mut got = self.first.take();
            if got.is_none() {
                let getting = self.channel.basic_get(self.queue.clone(), HELD);
                got = in_time(getting).await.map_err(|error| self.failed(&error))?;
            }
            let Some(got) = got else { return Ok(None) };
            self.seen += 1;
            let tag = got.delivery.delivery_tag;
            self.out.insert(tag);
            let death = latest_death(&got.delivery.properties);
            let (message, handed_out) = decode::message(got.delivery, &mut self.texts);
            Ok(Some(Lying::new(message, handed_out, death, Place(tag))))
        })
    }

    fn take<'a>(&'a mut self, place: &'a Place) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async {
            if self.out.contains(&place.0) {
                let acknowledged = self.channel.basic_ack(place.0, BasicAckOptions { multiple: false }).await;
                acknowledged.map_err(|error| self.failed(&error))?;
                self.out.remove(&place.0);
                self.settled().await.map_err(|error| self.failed(&error))?;
            }
            Ok(())
        })
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<(), TransportError>> {
        Box::pin(async move {
            if let Err(error) = self.put_back().await {
                // The broker gives back what the channel held.
                let _ = timeout(PATIENCE, self.channel.close(200, ShortString::default())).await;
                return Err(self.failed(&error));
            }
            Ok(())
        })
    }
}

/// Why and from where the broker itself moved a message last: `x-death`, newest first
/// ([dead lettering](https://www.rabbitmq.com/docs/dlx#effects)).
fn latest_death(properties: &BasicProperties) -> Option<Death> {
    let Some(AMQPValue::FieldArray(deaths)) = properties.headers().as_ref()?.inner().get("x-death") else {
        return None;
    };
    let Some(AMQPValue::FieldTable(death)) = deaths.as_slice().first() else { return None };
    let time = match death.inner().get("time") {
        Some(AMQPValue::Timestamp(seconds)) => UNIX_EPOCH.checked_add(std::time::Duration::from_secs(*seconds)),
        _ => None,
    };
    Some(Death::new(text(death, "reason")?, text(death, "queue")?, time))
}

fn text(table: &FieldTable, name: &str) -> Option<Text> {
    match table.inner().get(name)? {
        AMQPValue::LongString(text) => str::from_utf8(text.as_bytes()).ok().map(Text::from),
        _ => None,
    }
}
