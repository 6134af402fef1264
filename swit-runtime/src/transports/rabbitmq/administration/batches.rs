//! The messages of a queue in batches: a consumer is handed a batch, and when all of it is held, the next one takes its
//! place on the same channel. What was handed out before stays out.
//!
//! One by one a quorum queue gives its messages slowly: each waits for the disk. All at once they would fill the memory.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::{Stream as _, StreamExt as _};
use lapin::{
    Channel, Consumer,
    message::Delivery,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicQosOptions},
    types::{FieldTable, ShortString},
};
use tokio::time::timeout;

use crate::transports::rabbitmq::declare::in_time;

/// The first batch: more than that is not taken for a short look.
const FIRST: usize = 16;
/// The largest batch, in messages and in bytes.
const MOST: usize = 256;
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// When nothing comes for so long, it is asked whether something is left: others may have taken it.
const SILENCE: Duration = Duration::from_secs(1);

/// Until it is acknowledged or put back.
pub(super) const HELD: BasicGetOptions = BasicGetOptions { no_ack: false };

/// Hands out a queue's messages, first to last.
pub(super) struct Batches {
    channel: Channel,
    queue: ShortString,
    consumer: Option<Consumer>,
    /// How many consumers there were. Their tags count up in a form that sorts: where what several were handed is given back
    /// at once, the broker takes one after the other in the order of their tags.
    consumers: u64,
    /// The prefetch of the consumer.
    size: usize,
    /// How much of its prefetch is out, and from which tag on deliveries are its own.
    out: usize,
    from: u64,
    /// The last tag that was seen.
    last: u64,
    /// The largest payload so far, in bytes.
    largest: usize,
    /// What earlier consumers were handed and nobody asked for yet.
    waiting: VecDeque<Delivery>,
}

impl Batches {
    pub(super) fn new(channel: Channel, queue: ShortString) -> Self {
        let (consumer, waiting) = (None, VecDeque::new());
        Self { channel, queue, consumer, consumers: 0, size: FIRST / 2, out: 0, from: 0, last: 0, largest: 0, waiting }
    }

    /// The next message, `None` if nothing is left.
    pub(super) async fn next(&mut self) -> Result<Option<Delivery>, lapin::Error> {
        if let Some(waiting) = self.waiting.pop_front() {
            return Ok(Some(waiting));
        }
        if self.out >= self.size {
            self.leave().await?;
        }
        if let Some(waiting) = self.waiting.pop_front() {
            return Ok(Some(waiting));
        }
        let consumer = match &mut self.consumer {
            Some(consumer) => consumer,
            none => {
                let most = (MOST_BYTES / self.largest.max(1)).clamp(1, MOST);
                self.size = (self.size * 2).min(most);
                (self.out, self.from) = (0, self.last + 1);
                let prefetch = u16::try_from(self.size).unwrap_or(u16::MAX);
                in_time(self.channel.basic_qos(prefetch, BasicQosOptions { global: false })).await?;
                self.consumers += 1;
                // Of 20 characters.
                let tag = ShortString::try_new(format!("{:020}", self.consumers)).unwrap_or_default();
                let options = BasicConsumeOptions::default();
                none.insert(
                    in_time(self.channel.basic_consume(self.queue.clone(), tag, options, FieldTable::default()))
                        .await?,
                )
            }
        };
        match timeout(SILENCE, consumer.next()).await {
            Ok(Some(next)) => {
                let next = next?;
                self.seen(&next);
                Ok(Some(next))
            }
            Ok(None) => Ok(None),
            Err(_) => {
                let got = in_time(self.channel.basic_get(self.queue.clone(), HELD)).await?;
                Ok(got.map(|got| got.delivery))
            }
        }
    }

    fn seen(&mut self, delivery: &Delivery) {
        self.out += 1;
        self.last = self.last.max(delivery.delivery_tag);
        self.largest = self.largest.max(delivery.data.len());
    }

    /// Notes that a message was acknowledged: its consumer is handed another one for it.
    pub(super) fn acknowledged(&mut self, tag: u64) {
        if tag >= self.from {
            self.out = self.out.saturating_sub(1);
        }
    }

    /// Takes what the consumer was handed and ends it.
    async fn leave(&mut self) -> Result<(), lapin::Error> {
        let Some(mut consumer) = self.consumer.take() else { return Ok(()) };
        in_time(self.channel.basic_cancel(consumer.tag(), BasicCancelOptions { nowait: false })).await?;
        let mut task = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(delivery))) = Pin::new(&mut consumer).poll_next(&mut task) {
            self.seen(&delivery);
            self.waiting.push_back(delivery);
        }
        Ok(())
    }

    /// Ends it. The tags of what nobody asked for.
    pub(super) async fn end(&mut self) -> Result<Vec<u64>, lapin::Error> {
        self.leave().await?;
        Ok(self.waiting.drain(..).map(|delivery| delivery.delivery_tag).collect())
    }
}
