use swit::{Event, Handle, Subscription};

#[derive(serde::Serialize, serde::Deserialize, Event)]
#[event(topic = "order.placed", version = 1)]
struct OrderPlaced {}

async fn subscribe(handle: Handle) -> swit::Result<()> {
    handle.subscribe(Subscription::new("order.*"), |_: OrderPlaced| async { 7 }).await
}

fn main() {}
