//! Handlers in nested modules, in functions, under `cfg`, and with raw names.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

mod deep {
    pub mod deeper {
        use crate::subscriber::in_functions_and_modules::OrderCreated;

        #[swit::subscriber]
        pub(crate) async fn handle(_: OrderCreated) {}
    }
}

#[subscriber]
#[cfg(any())]
async fn never(_: NoSuchType) {}

#[cfg(not(any()))]
#[subscriber]
async fn always(_: OrderCreated) {}

#[subscriber]
async fn r#type(_: OrderCreated) {}

#[test]
fn works() {
    #[subscriber]
    async fn inside(_: OrderCreated) {}

    use swit::__private::{Handler, SubscriberRef, inventory};
    assert_eq!(<r#type as Handler>::REGISTRATION.name, "type");
    assert_eq!(
        <deep::deeper::handle as Handler>::REGISTRATION.location.module,
        concat!(module_path!(), "::deep::deeper")
    );
    let here = |subscriber: &&SubscriberRef| subscriber.0.location.module.starts_with(module_path!());
    assert_eq!(inventory::iter::<SubscriberRef>().filter(here).count(), 4);
}
