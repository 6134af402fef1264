//! The loops that one would write by hand with lapin.

use std::{collections::VecDeque, time::SystemTime};

use futures_util::{FutureExt as _, StreamExt as _};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, Consumer, PublisherConfirm,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions},
    types::{FieldTable, ShortString},
};

use crate::{
    order::Order,
    place::{IN_FLIGHT, PREFETCH},
    tally::Tally,
};

/// After so many deliveries the hand-tuned loop acknowledges: a quarter of the prefetch.
const ACK_EVERY: u64 = 62;

#[expect(clippy::unused_async, reason = "a handler is async, as the service's is")]
async fn handle(order: Order, tally: &Tally) -> bool {
    tally.count(&order)
}

fn decode(delivery: &Delivery) -> Order {
    serde_json::from_slice(&delivery.data).expect("an order")
}

pub(crate) async fn consumer(channel: &Channel, queue: &str) -> Consumer {
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.expect("it is granted");
    let options = BasicConsumeOptions::default();
    channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await.expect("the queue is there")
}

/// Acknowledges each message, and waits until that is written. Answers when it subscribed.
pub(crate) async fn plain(connection: &Connection, queue: &str, tally: &Tally) -> SystemTime {
    let subscribed = SystemTime::now();
    let channel = connection.create_channel().await.expect("a channel");
    let mut consumer = consumer(&channel, queue).await;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery.expect("the channel lives");
        let is_last = handle(decode(&delivery), tally).await;
        delivery.ack(BasicAckOptions::default()).await.expect("the channel lives");
        if is_last {
            break;
        }
    }
    subscribed
}

/// Acknowledges a quarter of the prefetch at a time, and what is left when nothing more is there.
pub(crate) async fn tuned(connection: &Connection, queue: &str, tally: &Tally) -> SystemTime {
    let subscribed = SystemTime::now();
    let channel = connection.create_channel().await.expect("a channel");
    let mut consumer = consumer(&channel, queue).await;
    let (mut unacknowledged, mut last) = (0, 0);
    loop {
        let next = if let Some(next) = consumer.next().now_or_never() {
            next
        } else {
            if unacknowledged > 0 {
                unacknowledged = 0;
                acknowledge(&channel, last).await;
            }
            consumer.next().await
        };
        let Some(delivery) = next else { break };
        let delivery = delivery.expect("the channel lives");
        last = delivery.delivery_tag;
        let is_last = handle(decode(&delivery), tally).await;
        unacknowledged += 1;
        if unacknowledged == ACK_EVERY || is_last {
            unacknowledged = 0;
            acknowledge(&channel, last).await;
        }
        if is_last {
            break;
        }
    }
    subscribed
}

async fn acknowledge(channel: &Channel, tag: u64) {
    channel.basic_ack(tag, BasicAckOptions { multiple: true }).await.expect("the channel lives");
}

/// A channel that confirms, and where it publishes to.
pub(crate) struct Outlet {
    channel: Channel,
    exchange: ShortString,
    key: ShortString,
    published: u64,
}

impl Outlet {
    pub(crate) async fn open(connection: &Connection, exchange: &str, key: &str) -> Self {
        let channel = connection.create_channel().await.expect("a channel");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("it is granted");
        Self { channel, exchange: exchange.into(), key: key.into(), published: 0 }
    }

    /// Publishes an order, persistent and mandatory; the answer is its confirmation to be.
    pub(crate) async fn publish(&mut self, order: &Order) -> PublisherConfirm {
        let payload = serde_json::to_vec(order).expect("an order can be encoded");
        self.published += 1;
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_content_type("application/json".into())
            .with_message_id(format!("{:036}", self.published).into());
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let publishing =
            self.channel.basic_publish(self.exchange.clone(), self.key.clone(), options, &payload, properties);
        publishing.await.expect("the channel lives")
    }

    /// One at a time.
    pub(crate) async fn one_by_one(&mut self, order: &Order, messages: u64) {
        for _ in 0..messages {
            confirmed(self.publish(order).await).await;
        }
    }

    /// With a thousand of them on their way.
    pub(crate) async fn pipelined(&mut self, order: &Order, messages: u64) {
        let mut waiting = VecDeque::with_capacity(IN_FLIGHT);
        for _ in 0..messages {
            if waiting.len() == IN_FLIGHT
                && let Some(oldest) = waiting.pop_front()
            {
                confirmed(oldest).await;
            }
            waiting.push_back(self.publish(order).await);
        }
        for confirm in waiting {
            confirmed(confirm).await;
        }
    }
}

pub(crate) async fn confirmed(confirm: PublisherConfirm) {
    let answer = confirm.await.expect("the channel lives");
    assert!(matches!(answer, Confirmation::Ack(None)), "it is confirmed, and a queue took it");
}

/// Consumes, publishes one event and waits for its confirmation, acknowledges: one after the other.
pub(crate) async fn chain(connection: &Connection, queue: &str, exchange: &str, tally: &Tally) -> SystemTime {
    let mut outlet = Outlet::open(connection, exchange, "order.confirmed").await;
    let subscribed = SystemTime::now();
    let channel = connection.create_channel().await.expect("a channel");
    let mut consumer = consumer(&channel, queue).await;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery.expect("the channel lives");
        let order = decode(&delivery);
        let is_last = tally.count(&order);
        confirmed(outlet.publish(&order).await).await;
        delivery.ack(BasicAckOptions::default()).await.expect("the channel lives");
        if is_last {
            break;
        }
    }
    subscribed
}
