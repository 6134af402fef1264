use swit::{BoxError, Event, State, subscriber, two_phase::Coordinator};

#[derive(serde::Serialize, serde::Deserialize, Event)]
#[event(topic = "order.placed")]
struct OrderPlaced {}

#[subscriber]
async fn book(_placed: OrderPlaced, coordinator: State<Coordinator>) -> Result<(), BoxError> {
    let booked = coordinator.execute(async |_tx| {
        let cents = std::rc::Rc::new(7);
        std::future::ready(()).await;
        Ok::<_, BoxError>(*cents)
    });
    booked.await?;
    Ok(())
}

fn main() {}
