use swit::{Event, Handle, Subscription};

#[derive(serde::Serialize, serde::Deserialize, Event)]
#[event(topic = "order.placed", version = 1)]
struct OrderPlaced {}

async fn subscribe(handle: Handle) -> swit::Result<()> {
    let ledger = Vec::<u64>::new();
    handle
        .subscribe(Subscription::new("order.*"), move |_: OrderPlaced| async move {
            drop(ledger);
        })
        .await
}

fn main() {}
