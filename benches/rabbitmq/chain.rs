//! Consume, publish one event with its confirmation, acknowledge.

use std::sync::Arc;

use lapin::{
    options::{QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use serde::{Deserialize, Serialize};
use swit::{Event, Publish, State, subscriber, transports::rabbitmq::QueueKind};

use crate::{
    effort::Effort,
    hand,
    median::Samples,
    node::{Node, between},
    order::Order,
    place::{Keeper, Place},
    report::Report,
    service::Service,
    tally::Tally,
};

/// The event that a chain ends in: as large as what it began with.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "order.confirmed", version = 1)]
pub(crate) struct Confirmed(Order);

#[subscriber(topic = "order.created")]
pub(crate) async fn confirm(order: Order, tally: State<Tally>) -> Publish<Confirmed> {
    tally.count(&order);
    Publish(Confirmed(order))
}

pub(crate) async fn measure(node: &Node, effort: &Effort, report: &mut Report) {
    // One at a time, a confirmed publication takes its time.
    let messages = effort.messages / 5;
    let place = Place::new(node, "chain", QueueKind::Quorum);
    Service::declare::<(confirm,)>(&place).await;
    let (keeper, queue) = (Keeper::new(node).await, place.queue("confirm"));
    let sink = sink(&keeper, &place).await;
    let mut rates: [Samples; 3] = Default::default();
    for round in effort.all_rounds() {
        for (contender, samples) in rates.iter_mut().enumerate() {
            place.fill(messages).await;
            let tally = Arc::new(Tally::expecting(messages));
            let emptied = node.emptied(std::slice::from_ref(&queue)).await;
            let took = if contender == 0 {
                let connection = node.connect().await;
                let (queue, exchange) = (queue.clone(), place.name.clone());
                let chain = tokio::spawn(async move {
                    let subscribed = hand::chain(&connection, &queue, &exchange, &tally).await;
                    (connection, subscribed)
                });
                let (connection, subscribed) = chain.await.expect("the chain ends well");
                let took = between(subscribed, emptied.await.expect("the node answers"));
                // A channel that is being dropped may make it say that it is closing already.
                let _ = connection.close(200, "".into()).await;
                took
            } else {
                let concurrency = if contender == 1 { 1 } else { 10 };
                let service = Service::start::<(confirm,)>(&place, concurrency, &tally).await;
                let took = between(service.subscribed(), emptied.await.expect("the node answers"));
                service.stop().await;
                took
            };
            samples.add(round, messages as f64 / took.as_secs_f64());
            keeper.purge(&sink).await;
        }
    }
    keeper.close().await;
    let [plain, one, ten] = rates.map(|samples| samples.median());
    report.add("chain_plain_per_s", plain, "messages/s, lapin, one after the other");
    report.add("chain_c1_per_s", one, "messages/s, swit, concurrency 1");
    report.add("chain_c10_per_s", ten, "messages/s, swit, concurrency 10");
    report.add("chain_vs_plain", ten / plain, "ratio (budget 3)");
    report.add("chain_c1_vs_plain", one / plain, "ratio");
}

/// The queue that takes what chains publish.
async fn sink(keeper: &Keeper, place: &Place) -> String {
    let name = place.queue("sink");
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let channel = keeper.channel();
    channel.queue_declare(name.as_str().into(), options, arguments).await.expect("it is made");
    let (queue, exchange) = (name.as_str().into(), place.name.as_str().into());
    let binding = QueueBindOptions::default();
    let bound = channel.queue_bind(queue, exchange, "order.confirmed".into(), binding, FieldTable::default());
    bound.await.expect("it is bound");
    name
}
