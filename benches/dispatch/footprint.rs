//! Allocations a message, and what a thousand subscribers cost to check and to keep.

use std::time::Instant;

use allocation_counter::measure;
use swit::{
    App, SubscriberRegistration,
    transports::memory::{MemoryOptions, MemoryTransport},
};

use crate::{
    compare::one_thread,
    hand, order,
    report::Report,
    service::{Service, count_items},
};

const MESSAGES: u64 = 20_000;
const SUBSCRIBERS: usize = 1_000;

/// Allocations a message of the hand-written loop and of the service, on one thread.
pub(crate) fn allocations(report: &mut Report) {
    let (runtime, payload) = (one_thread(), order::payload());
    let service = runtime.block_on(Service::start(1, 0));
    runtime.block_on(service.run(MESSAGES, payload.clone()));
    let by_hand = measure(|| {
        runtime.block_on(hand::one(MESSAGES, payload.clone()));
    });
    let by_swit = measure(|| {
        runtime.block_on(service.run(MESSAGES, payload.clone()));
    });
    runtime.block_on(service.stop());
    let (by_hand, by_swit) =
        (by_hand.count_total as f64 / MESSAGES as f64, by_swit.count_total as f64 / MESSAGES as f64);
    report.add("hand_loop_allocations_per_message", by_hand, "allocations a message, hand-written loop");
    report.add("swit_allocations_per_message", by_swit, "allocations a message, swit");
    // Growth of a queue is spread over the run; a thousandth of an allocation is none a message.
    let extra = ((by_swit - by_hand) * 1_000.0).round() / 1_000.0;
    report.add("extra_allocations_per_message", extra.max(0.0), "beyond the payload's own (budget 0)");
}

/// One handler registered a thousand times: the graph check, and the memory that idle subscribers take.
pub(crate) fn thousand(report: &mut Report) {
    let registrations: Vec<&'static SubscriberRegistration> = (0..SUBSCRIBERS).map(named).collect();
    let app = || {
        let app = App::only::<()>()
            .provide(crate::service::Sum::default())
            .transport(std::sync::Arc::new(MemoryTransport::new("default", MemoryOptions::default())));
        registrations.iter().fold(app, |app, registration| app.with_registration(registration))
    };
    let mut times = Vec::new();
    for _ in 0..11 {
        let app = app();
        let began = Instant::now();
        let graph = app.check().expect("the graph is right");
        times.push(began.elapsed().as_secs_f64() * 1e3);
        assert_eq!(graph.subscribers(), SUBSCRIBERS);
    }
    times.sort_by(f64::total_cmp);
    report.add("graph_check_ms_1000", times[times.len() / 2], "ms to check 1,000 subscribers (budget 50)");

    let runtime = one_thread();
    let mut running = None;
    let kept = measure(|| {
        running = Some(runtime.block_on(async { app().start().await.expect("it starts") }));
    });
    runtime.block_on(async { running.take().expect("it runs").shutdown().await.expect("it stops") });
    let bytes = kept.bytes_current as f64 / SUBSCRIBERS as f64;
    report.add("bytes_per_idle_subscriber", bytes, "bytes an idle subscriber keeps (budget 8192)");
}

/// The bench's handler under another name. Registrations are `'static`, so these live as long as the process.
fn named(number: usize) -> &'static SubscriberRegistration {
    use swit::Handler as _;
    let name: &'static str = Box::leak(format!("subscriber-{number}").into_boxed_str());
    let original = count_items::REGISTRATION;
    Box::leak(Box::new(SubscriberRegistration { name, ..*original }))
}
