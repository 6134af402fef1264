use swit::two_phase::Coordinator;

struct SoldOut;

async fn book(coordinator: Coordinator) {
    let _ = coordinator.execute(async |_tx| Err::<(), _>(SoldOut)).await;
}

fn main() {}
