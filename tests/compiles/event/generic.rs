//! Events with parameters, which are not registered but can be published and consumed.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "thing.changed", key = id)]
struct Changed<T> {
    id: u64,
    to: T,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "thing.listed")]
#[serde(bound = "")]
struct Listed<T, const N: usize = 2>
where
    T: Clone + Serialize + DeserializeOwned,
{
    all: Vec<T>,
}

#[derive(Event)]
enum Either<T>
where
    T: Clone + Serialize + DeserializeOwned + Send + 'static,
{
    Changed(Changed<T>),
    Listed(Listed<T>),
}

#[subscriber]
async fn handle(_: Changed<String>) -> Publish<Listed<u8>> {
    Publish(Listed { all: vec![1] })
}

#[subscriber]
async fn either(_: Either<u8>) {}

#[test]
fn works() {
    let message = swit::Event::encode(&Changed { id: 7, to: 1_u8 }).expect("it encodes");
    assert_eq!(message.key.as_deref(), Some("7"));
    let changed = <Changed<u8> as swit::Event>::decode(&message).expect("it decodes");
    assert_eq!((changed.id, changed.to), (7, 1));
}
