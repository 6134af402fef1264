//! Several processes of one group, which share one queue.

use std::time::{Duration, SystemTime};

use swit::transports::rabbitmq::QueueKind;

use crate::{
    child::{Child, Part},
    effort::Effort,
    median::Samples,
    node::{Node, between},
    place::Place,
    report::Report,
    service::{Service, count_items},
};

const NUMBERS: [usize; 2] = [1, 2];

pub(crate) async fn measure(node: &Node, effort: &Effort, report: &mut Report) {
    let place = Place::new(node, "processes", QueueKind::Quorum);
    Service::declare::<(count_items,)>(&place).await;
    let mut rates: [Samples; 2] = Default::default();
    for round in effort.all_rounds() {
        for (number, samples) in NUMBERS.into_iter().zip(&mut rates) {
            place.fill(effort.messages).await;
            let mut children: Vec<_> =
                (0..number).map(|_| Child::start(&Part::Consume { place: place.clone(), concurrency: 10 })).collect();
            let emptied = node.emptied(&[place.queue("count-items")]).await;
            // All are running and wait for the word; what they read then is when each of them subscribed.
            children.iter_mut().for_each(Child::say_go);
            let subscribed = children.iter_mut().map(|child| micros(&child.line())).min().expect("a child");
            let took = between(subscribed, emptied.await.expect("the node answers"));
            children.into_iter().for_each(Child::end);
            samples.add(round, effort.messages as f64 / took.as_secs_f64());
        }
    }
    for (number, samples) in NUMBERS.into_iter().zip(&rates) {
        let what = "messages/s, swit, so many processes of one group, concurrency 10 each";
        report.add(&format!("processes_{number}_per_s"), samples.median(), what);
    }
}

fn micros(line: &str) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(line.parse().expect("a time in microseconds"))
}
