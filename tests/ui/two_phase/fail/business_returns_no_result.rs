use swit::two_phase::Coordinator;

async fn book(coordinator: Coordinator) {
    let _ = coordinator.execute(async |_tx| {}).await;
}

fn main() {}
