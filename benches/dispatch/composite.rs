//! What a composite costs: three event handlers at once, of which one decodes, against a subscriber that decodes.
#![expect(clippy::unused_async, reason = "handlers are async whether or not they wait")]

use swit::{State, event_handler};

use crate::{
    compare::{Effort, alternate, one_thread},
    order::Order,
    report::Report,
    service::{Service, Sum, count_items},
};

swit::composite!(of_three, strategy = parallel, topic = "order.created");

#[event_handler(composite = of_three, order = 1)]
async fn is_first() {}

#[event_handler(composite = of_three, order = 2)]
async fn is_second() {}

/// The last, so that the others are through when it is.
#[event_handler(composite = of_three, order = 3)]
async fn counts(order: Order, sum: State<Sum>) {
    sum.add(&order);
}

pub(crate) fn measure(report: &mut Report, effort: Effort) {
    let runtime = one_thread();
    let plain = runtime.block_on(Service::of::<(count_items,)>("count-items", 1, 0, ""));
    let composite = runtime.block_on(Service::of::<(of_three,)>("of-three", 1, 0, ""));
    let times = alternate(&runtime, vec![plain, composite], effort);
    report.add("swit_ns_composite_of_3", times[1], "ns a message, a composite of 3 parallel handlers");
    report.add("ns_per_event_handler", (times[1] - times[0]) / 3.0, "ns, each event handler beyond a subscriber's");
}
