//! Types and functions that a macro of the user writes, with names, types and fields that it is handed.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

macro_rules! events {
    ($($name:ident { $key:ident: $type:ty } at $topic:literal;)*) => { $(
        #[derive(Serialize, Deserialize, Event)]
        #[event(topic = $topic, version = 2, key = $key)]
        struct $name {
            $key: $type,
        }
    )* };
}

events! {
    Placed { order: String } at "placed";
    Paid { invoice: u64 } at "paid";
}

macro_rules! all {
    ($all:ident: $($event:ident),*) => {
        #[derive(Serialize, Deserialize, Event)]
        enum $all {
            $($event($event)),*
        }
    };
}

all!(All: Placed, Paid);

macro_rules! errors {
    ($name:ident: $variant:ident($source:ty)) => {
        #[derive(Debug, thiserror::Error, Classify)]
        enum $name {
            #[error("it is away")]
            #[class(transient, retry_after = wait)]
            Away { wait: std::time::Duration },
            #[error(transparent)]
            #[class(from)]
            $variant(#[from] $source),
        }
    };
}

errors!(Outer: Inner(Innermost));

#[derive(Debug, thiserror::Error, Classify)]
#[error("innermost")]
#[class(permanent)]
struct Innermost;

macro_rules! service {
    (
        $state:ident by $open:ident, $close:path, $health:path; checked by $check:ident -> $answer:ty;
        around $around:ident, $before:ident; published by $publisher:ident: $event:ty, $key:ident; handled by $handler:ident
    ) => {
        struct $state(u8);

        #[provider(close = $close, health(check = $health, timeout = "1s"))]
        async fn $open(_publisher: Publisher) -> Result<$state, std::io::Error> {
            Ok($state(7))
        }

        #[swit::health_check]
        async fn $check(_state: State<$state>) -> $answer {
            Ok(())
        }

        #[middleware(global = false)]
        async fn $around(cx: &mut Context, next: Next<'_>, _state: State<$state>) -> Outcome {
            next.run(cx).await
        }

        #[middleware(publish)]
        async fn $before(
            message: &mut Message,
            next: PublishNext<'_>,
            _state: State<$state>,
        ) -> Result<MessageId, swit::PublishError> {
            next.run(message).await
        }

        #[publisher(event = $event, partition = $key)]
        struct $publisher;

        #[subscriber(middleware = [$around])]
        async fn $handler(_event: $event, _state: State<$state>) -> $answer {
            Ok(())
        }
    };
}

async fn close(_pool: &Pool) {}

async fn ping(_pool: &Pool) -> Result<(), std::io::Error> {
    Ok(())
}

service! {
    Pool by open_pool, close, ping; checked by reaches_pool -> Result<(), std::io::Error>;
    around within, before; published by PlacedPublisher: Placed, order; handled by takes_placed
}

#[test]
fn works() {
    let message = swit::Event::encode(&Placed { order: "7".into() }).expect("it encodes");
    assert_eq!((message.key.as_deref(), message.event_type.as_deref()), (Some("7"), Some("Placed")));
    let all = <All as swit::Event>::decode(&message).expect("it decodes");
    assert!(matches!(all, All::Placed(Placed { order }) if order == "7"));
}
