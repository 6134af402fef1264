//! Publishing with confirmations: from the first publication until the last answer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use swit::{Publisher, transports::rabbitmq::QueueKind};
use tokio::task::JoinSet;

use crate::{
    effort::Effort,
    hand::{Outlet, confirmed},
    median::Samples,
    node::Node,
    order::{self, Order},
    place::{IN_FLIGHT, Keeper, Place},
    report::Report,
    service::{Service, count_items, idle},
};

/// Publications a round, one at a time, of those whose latency is compared.
const SINGLE: u64 = 200;

pub(crate) async fn measure(node: &Node, effort: &Effort, report: &mut Report) {
    for (kind, prefix) in [(QueueKind::Quorum, ""), (QueueKind::Classic, "classic_")] {
        let place = Place::new(node, "publish", kind);
        Service::declare::<(count_items,)>(&place).await;
        let (keeper, queue) = (Keeper::new(node).await, place.queue("count-items"));
        let connection = node.connect().await;
        let mut outlet = Outlet::open(&connection, &place.name, "order.created").await;
        let service = Service::start::<(idle,)>(&place, 1, &Arc::default()).await;
        let publisher = service.publisher();
        let order = Arc::new(order::numbered(1));
        let mut rates: [Samples; 4] = Default::default();
        let mut latencies: [Samples; 2] = Default::default();
        for round in effort.all_rounds() {
            for (contender, samples) in rates.iter_mut().enumerate() {
                let messages = if contender == 0 { effort.messages / 10 } else { effort.messages };
                let began = Instant::now();
                match contender {
                    0 => outlet.one_by_one(&order, messages).await,
                    1 => outlet.pipelined(&order, messages).await,
                    2 => by_tasks(&publisher, &order, messages).await,
                    _ => at_once(&publisher, &order, messages).await,
                }
                samples.add(round, messages as f64 / began.elapsed().as_secs_f64());
                keeper.purge(&queue).await;
            }
            singly(&mut outlet, &publisher, &order, round, &mut latencies).await;
            keeper.purge(&queue).await;
        }
        service.stop().await;
        // A channel that is being dropped may make it say that it is closing already.
        let _ = connection.close(200, "".into()).await;
        keeper.close().await;
        tell(prefix, rates, latencies, report);
    }
}

fn tell(prefix: &str, rates: [Samples; 4], latencies: [Samples; 2], report: &mut Report) {
    let [single, pipelined, tasks, all] = rates.map(|samples| samples.median());
    let [by_hand, by_swit] = latencies.map(|samples| samples.median());
    for (name, value, what) in [
        ("publish_hand_single_per_s", single, "messages/s, lapin, one at a time"),
        ("publish_hand_pipelined_per_s", pipelined, "messages/s, lapin, 1,000 in flight"),
        ("publish_swit_tasks_per_s", tasks, "messages/s, swit, `publish` from 1,000 tasks"),
        ("publish_swit_all_per_s", all, "messages/s, swit, `publish_all`"),
        ("publish_vs_pipelined", tasks / pipelined, "ratio (budget 0.95)"),
        ("publish_all_vs_pipelined", all / pipelined, "ratio (budget 0.95)"),
        ("publish_one_hand_us", by_hand, "µs, median of one publication, lapin"),
        ("publish_one_swit_us", by_swit, "µs, median of one publication, swit"),
        ("publish_one_latency_ratio", by_swit / by_hand, "ratio (budget 1.1)"),
    ] {
        report.add(&format!("{prefix}{name}"), value, what);
    }
}

async fn by_tasks(publisher: &Publisher, order: &Arc<Order>, messages: u64) {
    let tasks = IN_FLIGHT as u64;
    let mut publishing = JoinSet::new();
    for task in 0..tasks {
        let (publisher, order) = (publisher.clone(), Arc::clone(order));
        let share = messages / tasks + u64::from(task < messages % tasks);
        publishing.spawn(async move {
            for _ in 0..share {
                publisher.publish(&*order).await.expect("it is confirmed");
            }
        });
    }
    while let Some(done) = publishing.join_next().await {
        done.expect("the task ends well");
    }
}

async fn at_once(publisher: &Publisher, order: &Arc<Order>, messages: u64) {
    let answers = publisher.publish_all((0..messages).map(|_| &**order)).await;
    assert!(answers.iter().all(Result::is_ok), "all are confirmed");
}

/// One at a time by turns, each timed by itself.
async fn singly(outlet: &mut Outlet, publisher: &Publisher, order: &Order, round: usize, latencies: &mut [Samples; 2]) {
    let micros = |took: Duration| took.as_secs_f64() * 1e6;
    for _ in 0..SINGLE {
        let began = Instant::now();
        confirmed(outlet.publish(order).await).await;
        latencies[0].add(round, micros(began.elapsed()));
        let began = Instant::now();
        publisher.publish(order).await.expect("it is confirmed");
        latencies[1].add(round, micros(began.elapsed()));
    }
}
