//! `#[publisher]` and `#[middleware(publish)]`: what is registered.

use std::{any::TypeId, time::Duration};

use serde::{Deserialize, Serialize};
use swit::{
    __private::{
        Batching, Compression, EventDescriptor, PublishMiddlewareItem, PublishMiddlewareRef, PublisherItem,
        PublisherRef, PublisherRegistration, PublisherSpec, Publishes, Requirements, Unrouted, inventory,
    },
    Clock, Event, Message, MessageId, PublishError, PublishNext, State, middleware, publisher,
};

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "parcel.sent", key = id)]
struct ParcelSent {
    id: u32,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "parcel.lost")]
struct ParcelLost(u32, String);

#[derive(Event)]
enum Parcel {
    Sent(ParcelSent),
    Lost(ParcelLost),
}

#[publisher(event = ParcelSent)]
struct ParcelSentPublisher;

#[publisher(
    event = ParcelLost,
    name = "losses",
    topic = "parcel.lost",
    confirm = "1m",
    batch(messages = 7, every = "5ms"),
    compression = "none",
    async(capacity = 9),
    partition = 1,
    unrouted = "error",
    transport = "eu"
)]
struct Losses;

#[publisher(event = Parcel, batch, async)]
struct Parcels;

fn registration<P: PublisherItem>() -> &'static PublisherRegistration {
    let Some(registration) = P::REGISTRATION else { panic!("it has no name") };
    registration
}

#[test]
fn a_registration_says_what_the_attribute_says() {
    let sent = registration::<ParcelSentPublisher>();
    assert_eq!((sent.name, sent.type_name, sent.spec), ("parcel-sent", "ParcelSentPublisher", PublisherSpec::DEFAULT));
    assert_eq!(sent.events, ParcelSent::DESCRIPTORS);
    assert_eq!((sent.id)(), TypeId::of::<ParcelSentPublisher>());
    let spec = PublisherSpec {
        confirm: Some(Duration::from_mins(1)),
        batch: Some(Batching { messages: 7, bytes: 1 << 20, every: Duration::from_millis(5) }),
        compression: Compression::None,
        capacity: Some(9),
        unrouted: Some(Unrouted::Error),
        transport: "eu",
    };
    assert_eq!((registration::<Losses>().name, registration::<Losses>().spec), ("losses", spec));
    let parcels = registration::<Parcels>();
    let topics: Vec<_> = parcels.events.iter().map(|event: &EventDescriptor| event.topic).collect();
    assert_eq!(topics, ["parcel.sent", "parcel.lost"]);
    assert_eq!((parcels.spec.batch, parcels.spec.capacity), (Some(Batching::DEFAULT), Some(1000)));
    for name in ["parcel-sent", "losses", "parcels"] {
        assert_eq!(inventory::iter::<PublisherRef>().filter(|found| found.0.name == name).count(), 1, "{name}");
    }
}

#[test]
fn a_partition_is_the_key() {
    let lost = ParcelLost(1, "north".into());
    assert_eq!(<Losses as Publishes<ParcelLost>>::key(&lost).as_deref(), Some("north"));
    assert_eq!(<ParcelSentPublisher as Publishes<ParcelSent>>::key(&ParcelSent { id: 4 }), None);
}

#[middleware(publish, order = -3, only = ["losses"], topics = ["parcel.*", "#"])]
async fn stamp(
    message: &mut Message,
    next: PublishNext<'_>,
    _stamps: State<u8>,
    _clock: Clock,
) -> Result<MessageId, PublishError> {
    next.run(message).await
}

#[test]
fn middleware_of_the_publishing_side_is_registered_as_such() {
    let found = stamp::REGISTRATION;
    assert_eq!((found.name, found.order, found.only), ("stamp", -3, &["losses"][..]));
    assert_eq!((found.except, found.topics), (&[][..], &["parcel.*", "#"][..]));
    let mut requirements = Requirements::new();
    (found.requires)(&mut requirements);
    assert_eq!(requirements.states().len(), 1);
    assert_eq!(inventory::iter::<PublishMiddlewareRef>().filter(|found| found.0.name == "stamp").count(), 1);
}
