//! Several subscribers in one process, each with a queue of its own that takes every order.

use std::sync::Arc;

use swit::{Handler as _, SubscriberRegistration, transports::rabbitmq::QueueKind};

use crate::{
    effort::Effort,
    median::Samples,
    node::{Node, between},
    place::Place,
    report::Report,
    service::{Service, count_items},
    tally::Tally,
};

const NUMBERS: [usize; 3] = [1, 2, 4];
const CONCURRENCY: u32 = 10;

pub(crate) async fn measure(node: &Node, effort: &Effort, report: &mut Report) {
    let places = NUMBERS.map(|number| Place::new(node, &format!("{number}-subscribers"), QueueKind::Quorum));
    let registrations: Vec<_> = (0..4).map(named).collect();
    for (number, place) in NUMBERS.into_iter().zip(&places) {
        let tally = Arc::default();
        Service::start_named(place, &registrations[..number], CONCURRENCY, &tally).await.stop().await;
    }
    let mut rates: [Samples; 3] = Default::default();
    for round in effort.all_rounds() {
        for ((number, place), samples) in NUMBERS.into_iter().zip(&places).zip(&mut rates) {
            // As many deliveries, whatever the number of subscribers.
            let published = effort.messages / number as u64;
            let deliveries = published * number as u64;
            place.fill(published).await;
            let queues: Vec<_> = registrations[..number].iter().map(|known| place.queue(known.name)).collect();
            let emptied = node.emptied(&queues).await;
            let tally = Arc::new(Tally::expecting(deliveries));
            let service = Service::start_named(place, &registrations[..number], CONCURRENCY, &tally).await;
            let took = between(service.subscribed(), emptied.await.expect("the node answers"));
            service.stop().await;
            samples.add(round, deliveries as f64 / took.as_secs_f64());
        }
    }
    for (number, samples) in NUMBERS.into_iter().zip(&rates) {
        let what = "deliveries/s, swit, so many subscribers of concurrency 10, a queue each";
        report.add(&format!("subscribers_{number}_per_s"), samples.median(), what);
    }
}

/// The handler under another name.
fn named(number: usize) -> &'static SubscriberRegistration {
    let name: &'static str = Box::leak(format!("subscriber-{number}").into_boxed_str());
    Box::leak(Box::new(SubscriberRegistration { name, ..*count_items::REGISTRATION }))
}
