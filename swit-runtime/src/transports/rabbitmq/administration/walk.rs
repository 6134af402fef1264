//! Walking over a queue: each message is handed out once and held; what was not taken is put back, first to last.
//!
//! A quorum queue puts what is given back behind what was given back before it; a channel that is merely closed gives back
//! in no order. And a channel sends a quorum queue at most 32 commands that the queue has not applied yet: it stashes what
//! comes then, mixes it up, and forgets it when it is closed. So messages are put back in their order, and the walk waits
//! for the queue after every few of them.
//!
//! Whatever is handed out and put back counts as a delivery (`x-delivery-count`), and a queue with a delivery limit drops
//! or dead-letters what exceeds it. swit's dead-letter queues have none; but RabbitMQ 4 gives quorum queues that have none
//! a limit of 20, unless a policy says `delivery-limit: -1`.

use std::collections::BTreeSet;

use lapin::{
    Channel,
    message::BasicGetMessage,
    options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::{AMQPValue, ShortString},
};
use tokio::time::timeout;

use super::{
    Core, NOT_FOUND,
    batches::{Batches, HELD},
    code, death,
};
use crate::{
    error::TransportError,
    text::Text,
    transport::{BoxFuture, Lying, Place, Walk},
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
    let first = match in_time(channel.basic_get(name.clone(), HELD)).await {
        Ok(first) => first,
        Err(error) if code(&error) == NOT_FOUND => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let len = first.as_ref().map_or(0, |first| u64::from(first.message_count) + 1);
    let out = first.iter().map(|first| first.delivery.delivery_tag).collect();
    let batches = Batches::new(channel.clone(), name.clone());
    let (transport, texts) = (core.name.clone(), Seen::default());
    let walk = RabbitMqWalk {
        transport,
        channel,
        queue: name,
        len,
        seen: 0,
        first,
        batches,
        out,
        acknowledged: false,
        unapplied: 0,
        texts,
    };
    Ok(Some(Box::new(walk)))
}

/// How many messages lie in a queue, exactly: one is got, and put back.
pub(super) async fn count(channel: &Channel, queue: &str) -> Result<u64, lapin::Error> {
    let Some(first) = in_time(channel.basic_get(short(queue)?, HELD)).await? else { return Ok(0) };
    let back = BasicNackOptions { requeue: true, multiple: false };
    channel.basic_nack(first.delivery.delivery_tag, back).await?;
    Ok(u64::from(first.message_count) + 1)
}

/// How many commands the queue may have been sent before it is waited for.
const MOST_UNAPPLIED: u32 = 16;
/// How many messages are put back by one request, and at most how many commands that makes: one for each consumer that they
/// were handed to. A queue keeps the order of a few messages within a command, not of many.
const HANDFUL: usize = 16;
const COMMANDS_A_HANDFUL: u32 = 3;

/// A walk over a queue, on a channel of its own.
struct RabbitMqWalk {
    transport: Text,
    channel: Channel,
    queue: ShortString,
    len: u64,
    seen: u64,
    /// The first message, until somebody asks for it.
    first: Option<BasicGetMessage>,
    batches: Batches,
    /// The delivery tags of what was handed out and not taken.
    out: BTreeSet<u64>,
    /// Whether anything was taken.
    acknowledged: bool,
    /// How many commands the queue was sent since it was last waited for.
    unapplied: u32,
    texts: Seen,
}

impl RabbitMqWalk {
    fn failed(&self, error: &lapin::Error) -> TransportError {
        let reason = format!("`{}`: {}", self.queue, describe(error));
        TransportError::new(self.transport.clone(), "walk over a queue", reason).caused_by(error.clone()).retryable()
    }

    async fn put_back(&mut self) -> Result<(), lapin::Error> {
        self.out.extend(self.batches.end().await?);
        if self.acknowledged {
            // What was sent is applied when the broker answers. It then sends what it had stashed, which has no order.
            self.applied().await?;
            self.applied().await?;
        }
        let tags: Vec<u64> = std::mem::take(&mut self.out).into_iter().collect();
        for handful in tags.chunks(HANDFUL) {
            // All before it are settled.
            let Some(last) = handful.last() else { continue };
            self.channel.basic_nack(*last, BasicNackOptions { requeue: true, multiple: true }).await?;
            self.unapplied += COMMANDS_A_HANDFUL;
            if self.unapplied >= MOST_UNAPPLIED {
                self.applied().await?;
            }
        }
        if self.unapplied > 0 {
            self.applied().await?;
        }
        in_time(self.channel.close(200, ShortString::default())).await
    }

    /// Waits until the queue has applied everything. A consumer comes and goes, each with a command that the broker answers
    /// once the queue has applied it and all before it. It has no credit, so it is handed nothing; a broker that knows no
    /// credit may hand it one message, which then is put back out of its order.
    async fn applied(&mut self) -> Result<(), lapin::Error> {
        self.unapplied = 0;
        in_time(self.channel.basic_qos(1, BasicQosOptions { global: false })).await?;
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
            let next = match self.first.take() {
                Some(first) => Some(first.delivery),
                None => self.batches.next().await.map_err(|error| self.failed(&error))?,
            };
            let Some(delivery) = next else { return Ok(None) };
            self.seen += 1;
            let tag = delivery.delivery_tag;
            self.out.insert(tag);
            let death = death::latest(&delivery.properties);
            let handed_out = decode::redeliveries(&delivery);
            let message = decode::message(delivery, &mut self.texts);
            Ok(Some(Lying::new(message, handed_out, death, Place(tag))))
        })
    }

    fn take<'a>(&'a mut self, place: &'a Place) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async {
            if self.out.contains(&place.0) {
                let acknowledged = self.channel.basic_ack(place.0, BasicAckOptions { multiple: false }).await;
                acknowledged.map_err(|error| self.failed(&error))?;
                self.out.remove(&place.0);
                self.batches.acknowledged(place.0);
                self.acknowledged = true;
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
