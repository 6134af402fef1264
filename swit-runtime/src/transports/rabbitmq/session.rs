//! What a subscription holds of one channel: the deliveries that lie here, those that are out, and what the broker is
//! told of them. All of it stands behind the subscription's lock.

use std::{
    collections::VecDeque,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_util::Stream as _;
use lapin::{
    Channel, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicRejectOptions},
    types::ShortString,
};

use super::{
    decode,
    window::{Acknowledgement, Window},
};
use crate::{
    failpoint::{self, Sabotage},
    message::Message,
    transport::SubscribeOptions,
};

/// From so many redeliveries on, a message may be one that kills its process.
pub(super) const SUSPECT: u32 = 3;
/// Most deliveries that are taken from the client library at a time.
const GULP: usize = 64;

/// A delivery that lies here, ready for a worker.
#[expect(clippy::large_enum_variant, reason = "nearly all are of the large one, which a box would only cost more")]
pub(super) enum Ready {
    /// As it came.
    Raw { delivery: Delivery, redeliveries: u32 },
    /// Requeued: it was out before.
    Back { tag: u64, message: Arc<Message>, redeliveries: u32 },
}

impl Ready {
    pub(super) fn tag(&self) -> u64 {
        match self {
            Self::Raw { delivery, .. } => delivery.delivery_tag,
            Self::Back { tag, .. } => *tag,
        }
    }

    fn is_suspect(&self) -> bool {
        let (Self::Raw { redeliveries, .. } | Self::Back { redeliveries, .. }) = self;
        *redeliveries >= SUSPECT
    }
}

/// How a session hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caution {
    /// The broker sends one at a time, until a delivery is seen that is no suspect.
    Suspicious,
    /// Such a delivery was seen: the prefetch is to be opened. The broker is told of nothing until the consumer of one is
    /// gone: else it would send that one more, only to take it back, which it counts.
    Satisfied,
    /// The broker sends all that the prefetch allows. A suspect among them waits until nothing else is out, and nothing
    /// else is handed out beside it.
    Watchful,
    /// All that the prefetch allows: its queue does not count, or it is one at a time anyway.
    Off,
}

/// Deliveries of one channel.
#[expect(clippy::struct_excessive_bools, reason = "each notes one thing that may be so at any time")]
pub(super) struct Session {
    pub(super) channel: Channel,
    pub(super) consumer: Option<Consumer>,
    /// The consumer is being cancelled here: its end is no failure.
    leaving: bool,
    pub(super) window: Window,
    pub(super) ready: VecDeque<Ready>,
    /// Handed out and not settled.
    pub(super) out: usize,
    /// Most that may be: while one consumer is exchanged for another, the broker would allow both their prefetches.
    most_out: usize,
    /// The one that is out is a suspect.
    suspect_out: bool,
    /// Something lies here that a worker asked for and did not get yet.
    held_back: bool,
    /// More may lie in the client library, which has nobody to call.
    unread: bool,
    pub(super) caution: Caution,
    /// How often the broker was told of acknowledgements.
    pub(super) told: u64,
    /// Somebody sees to it that the broker is told of what it was not told yet.
    pub(super) announced: bool,
    /// How often what lay here was given back only because it had waited, which the broker counts as it counts crashes.
    pub(super) given_back: u32,
    /// Nothing is handed out.
    pub(super) paused: bool,
    /// Why the consumer ended, once it has.
    pub(super) ended: Option<String>,
}

impl Session {
    /// A session whose consumer was given `prefetch` deliveries at first; in the end as many as the options say.
    pub(super) fn new(
        channel: Channel,
        consumer: Consumer,
        prefetch: u32,
        options: &SubscribeOptions,
        caution: Caution,
    ) -> Self {
        Self {
            channel,
            consumer: Some(consumer),
            leaving: false,
            window: Window::new(prefetch, options.workers),
            ready: VecDeque::new(),
            out: 0,
            most_out: options.prefetch as usize,
            suspect_out: false,
            held_back: false,
            unread: false,
            caution,
            told: 0,
            announced: false,
            given_back: 0,
            paused: false,
            ended: None,
        }
    }

    /// Takes what has come from the client library, up to a gulp. Its waker is called when there is more.
    pub(super) fn pull(&mut self, waker: &Waker) {
        self.pull_up_to(GULP, waker);
    }

    /// Takes all that has come from the client library, so that it is seen how long it is held.
    pub(super) fn pull_all(&mut self, waker: &Waker) {
        self.pull_up_to(usize::MAX, waker);
    }

    fn pull_up_to(&mut self, most: usize, waker: &Waker) {
        let mut cx = Context::from_waker(waker);
        self.unread = false;
        while self.ended.is_none() {
            if self.ready.len() >= most {
                self.unread = true;
                return;
            }
            let Some(consumer) = &mut self.consumer else { return };
            match Pin::new(consumer).poll_next(&mut cx) {
                Poll::Ready(Some(Ok(delivery))) => self.take(delivery),
                Poll::Ready(None) if self.leaving => self.consumer = None,
                Poll::Ready(Some(Err(error))) => self.ended = Some(super::link::describe(&error)),
                Poll::Ready(None) => self.ended = Some("the broker cancelled it; was its queue deleted?".to_owned()),
                Poll::Pending => return,
            }
        }
    }

    fn take(&mut self, delivery: Delivery) {
        if !self.window.received(delivery.delivery_tag) {
            self.ended = Some(format!("delivery {} came out of turn", delivery.delivery_tag));
            return;
        }
        // What waits for long, since a breaker is open, comes back again and again; that is no reason to suspect it.
        let redeliveries = decode::redeliveries(&delivery).saturating_sub(self.given_back);
        if self.caution == Caution::Suspicious && redeliveries < SUSPECT {
            self.caution = Caution::Satisfied;
        }
        self.ready.push_back(Ready::Raw { delivery, redeliveries });
    }

    /// Whether another worker would find something here.
    pub(super) fn has_more(&self) -> bool {
        !self.ready.is_empty() || self.unread
    }

    /// Begins to cancel the consumer: the channel, and the tag to cancel.
    pub(super) fn begin_to_leave(&mut self) -> Option<(Channel, ShortString)> {
        let tag = self.consumer.as_ref()?.tag();
        self.leaving = true;
        Some((self.channel.clone(), tag))
    }

    /// Takes over what the consumer still has, after it was cancelled.
    pub(super) fn leave_consumer(&mut self) {
        // More than a gulp may lie there.
        let mut cx = Context::from_waker(Waker::noop());
        if let Some(mut consumer) = self.consumer.take() {
            while let Poll::Ready(Some(Ok(delivery))) = Pin::new(&mut consumer).poll_next(&mut cx) {
                self.take(delivery);
            }
        }
        self.trust();
    }

    /// Ends the time in which the broker is told of nothing: its consumer of one is gone, or will not be exchanged.
    pub(super) fn trust(&mut self) {
        if self.caution == Caution::Satisfied {
            self.caution = Caution::Watchful;
            self.flush(true);
        }
    }

    /// Goes on with another consumer on the same channel.
    pub(super) fn enter(&mut self, consumer: Consumer, prefetch: u32) {
        self.consumer = Some(consumer);
        self.leaving = false;
        self.window.resize(prefetch);
    }

    /// Whether what lies here first may be handed out now.
    fn may_hand_out(&self) -> bool {
        let Some(first) = self.ready.front() else { return false };
        if self.paused {
            return false;
        }
        let alone = self.suspect_out || (self.caution != Caution::Off && first.is_suspect());
        self.out < if alone { 1 } else { self.most_out }
    }

    /// The next delivery for a worker.
    pub(super) fn next(&mut self) -> Option<Ready> {
        if !self.may_hand_out() {
            self.held_back = !self.ready.is_empty();
            return None;
        }
        let next = self.ready.pop_front()?;
        self.out += 1;
        self.suspect_out = self.caution != Caution::Off && next.is_suspect();
        if failpoint::is_broken(Sabotage::SkipADelivery) && next.tag().is_multiple_of(50) {
            self.ack(next.tag());
            return self.next();
        }
        Some(next)
    }

    /// Whether something that was held back can be handed out by now. Says so once.
    pub(super) fn has_room_again(&mut self) -> bool {
        let has_room = self.held_back && self.may_hand_out();
        self.held_back &= !has_room;
        has_room
    }

    /// One that was out is not any more.
    fn came_back(&mut self) {
        self.out = self.out.saturating_sub(1);
        // It was the only one.
        self.suspect_out = false;
    }

    /// A delivery is done with. False: it was settled before.
    pub(super) fn ack(&mut self, tag: u64) -> bool {
        if !self.window.ack(tag) {
            return false;
        }
        self.came_back();
        if self.window.is_due() {
            self.flush(false);
        }
        true
    }

    /// Tells the broker what is settled.
    pub(super) fn flush(&mut self, all: bool) {
        if self.caution == Caution::Satisfied {
            return;
        }
        let (channel, told) = (&self.channel, &mut self.told);
        self.window.flush(all, |Acknowledgement { tag, multiple }| {
            *told += 1;
            start(channel.basic_ack(tag, BasicAckOptions { multiple }));
        });
    }

    /// Tells the broker what has waited long enough: what can be told together, or if that is nothing, all.
    pub(super) fn flush_late(&mut self) {
        let before = self.told;
        self.flush(false);
        if self.told == before {
            self.flush(true);
        }
    }

    /// The broker is to deliver it again, or to dead-letter it. By reject, which counts as a delivery on all versions.
    pub(super) fn reject(&mut self, tag: u64, requeue: bool) -> bool {
        if !self.window.tell(tag) {
            return false;
        }
        self.came_back();
        start(self.channel.basic_reject(tag, BasicRejectOptions { requeue }));
        true
    }

    /// Puts a delivery that was out back to its place among those that lie here.
    pub(super) fn put_back(&mut self, tag: u64, message: Arc<Message>, redeliveries: u32) {
        self.came_back();
        let at = self.ready.partition_point(|ready| ready.tag() < tag);
        self.ready.insert(at, Ready::Back { tag, message, redeliveries });
    }

    /// Gives back what lies here up to this tag. How many those were.
    pub(super) fn give_back_up_to(&mut self, tag: u64) -> usize {
        self.give_back_first(self.ready.iter().take_while(|ready| ready.tag() <= tag).count())
    }

    /// Gives back so many of what lies here, at most, from the oldest on. How many those were.
    pub(super) fn give_back_first(&mut self, most: usize) -> usize {
        let count = most.min(self.ready.len());
        for ready in self.ready.drain(..count) {
            if self.window.tell(ready.tag()) {
                start(self.channel.basic_reject(ready.tag(), BasicRejectOptions { requeue: true }));
            }
        }
        count
    }
}

/// Starts a request that needs no answer: the client library queues its frame at the first poll, and in that order.
fn start<T>(request: impl Future<Output = Result<T, lapin::Error>>) {
    // An error means that the channel is gone, which whoever polls it learns.
    let _ = pin!(request).poll(&mut Context::from_waker(Waker::noop()));
}
