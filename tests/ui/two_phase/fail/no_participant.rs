use swit::{Database, two_phase::Coordinator};

struct Orders;

async fn open(database: Database) {
    let _ = Coordinator::on(&database).participant(Orders).open().await;
}

fn main() {}
