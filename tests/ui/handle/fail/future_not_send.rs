use swit::{Event, Handle, Subscription};

#[derive(serde::Serialize, serde::Deserialize, Event)]
#[event(topic = "order.placed", version = 1)]
struct OrderPlaced {}

async fn subscribe(handle: Handle) -> swit::Result<()> {
    let handler = |_: OrderPlaced| async {
        let count = std::rc::Rc::new(1);
        std::future::ready(()).await;
        drop(count);
    };
    handle.subscribe(Subscription::new("order.*"), handler).await
}

fn main() {}
