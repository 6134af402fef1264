//! On RabbitMQ: what is refused arrives in the dead-letter queue, and says where it is wrong.

use std::{sync::Arc, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use swit::{
    App, Event, Json, State, subscriber,
    transports::rabbitmq::{Address, RabbitMqOptions, RabbitMqTransport},
};
use swit_testbed::broker::Broker;

use crate::support::Journal;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Item {
    #[schemars(range(min = 1))]
    quantity: u32,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema, Event)]
#[event(topic = "parcel.packed", version = 1)]
struct Packed {
    items: Vec<Item>,
}

fn not_empty(packed: &Packed) -> Result<(), &'static str> {
    if packed.items.is_empty() { Err("nothing is in it") } else { Ok(()) }
}

#[subscriber(validate = schema)]
async fn weigh(packed: Packed, journal: State<Journal>) {
    journal.note(format!("weighed {}", packed.items.len()));
}

#[subscriber(validate = not_empty)]
async fn stamp(packed: Packed, journal: State<Journal>) {
    journal.note(format!("stamped {}", packed.items.len()));
}

/// How each ends: what the headers of the dead letter say.
fn note(packed: &Json<Packed>, headers: &swit::Headers, dead: &Journal) {
    let header = |name: &str| headers.get(name).map(ToString::to_string).unwrap_or_default();
    dead.note(format!(
        "{} of {}: {} after {}: {}",
        packed.items.len(),
        header("x-dead-letter-subscriber"),
        header("x-dead-letter-reason"),
        header("x-dead-letter-attempts"),
        header("x-dead-letter-error")
    ));
}

#[subscriber(queue = "validation.weigh.dlq")]
async fn not_weighed(packed: Json<Packed>, headers: swit::Headers, dead: State<Journal>) {
    note(&packed, &headers, &dead);
}

#[subscriber(queue = "validation.stamp.dlq")]
async fn not_stamped(packed: Json<Packed>, headers: swit::Headers, dead: State<Journal>) {
    note(&packed, &headers, &dead);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_in_the_dead_letter_queue_with_its_place() {
    let mut options = RabbitMqOptions::new(Address::parse(&Broker::shared().url(), false).unwrap());
    options.exchange = "validation".into();
    let journal = Journal::default();
    let app = App::only::<(weigh, stamp, not_weighed, not_stamped)>()
        .service("validation", "1.0.0")
        .transport(Arc::new(RabbitMqTransport::new("default", options)))
        .provide(journal.clone());
    let running = app.start().await.unwrap();
    let publisher = running.publisher().unwrap();
    for quantities in [vec![1, 2], vec![1, 2, 3, 0], vec![]] {
        let items = quantities.into_iter().map(|quantity| Item { quantity }).collect();
        publisher.publish(&Packed { items }).await.unwrap();
    }
    let mut looks = 0;
    while journal.lines().len() < 6 && looks < 300 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        looks += 1;
    }
    running.shutdown().await.unwrap();
    let mut lines = journal.lines();
    lines.sort_unstable();
    let refused = |subscriber: &str| {
        format!("of {subscriber}: invalid_input after 1: `{subscriber}` refused the payload as invalid:")
    };
    assert_eq!(
        lines,
        [
            format!("0 {} nothing is in it", refused("stamp")),
            format!(
                "4 {} it is not as the JSON Schema of `Packed` says: /items/3/quantity: 0 is less than the minimum of 1",
                refused("weigh")
            ),
            "stamped 2".to_owned(),
            "stamped 4".to_owned(),
            "weighed 0".to_owned(),
            "weighed 2".to_owned(),
        ]
    );
}
