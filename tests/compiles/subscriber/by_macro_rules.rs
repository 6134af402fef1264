//! Handlers that a macro of the user writes.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

macro_rules! handlers {
    ($($name:ident: $topic:literal, $event:ty;)*) => { $(
        #[subscriber(topic = $topic, retries = 1)]
        async fn $name(event: $event) {
            let _ = event;
        }
    )* };
}

handlers! {
    first: "order.created", OrderCreated;
    second: "order.*", OrderCreated;
}
