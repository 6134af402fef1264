//! The series of what is now: queues, connections, breakers, alerts.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Source,
    depths::Seen,
    families::{
        ALERTS, CIRCUIT, CONNECTION, CONNECTIONS, DEPTH, LAG, PUBLISHERS, RECONNECTS, SUBSCRIBERS, SUBSCRIPTION,
    },
};
use crate::{
    alert::AlertKind,
    app::dynamic::Row,
    metrics::Page,
    policy::BreakerState,
    text::Text,
    transport::{ConnectionState, Status, SubscriptionState, Transport},
};

/// How a connection may be.
const STATES: [(ConnectionState, &str); 5] = [
    (ConnectionState::Connecting, "connecting"),
    (ConnectionState::Connected, "connected"),
    (ConnectionState::Blocked, "blocked"),
    (ConnectionState::Lost, "lost"),
    (ConnectionState::Closed, "closed"),
];

pub(super) fn write(prefix: &str, source: &Source, rows: &[Row], depths: &Seen, page: &mut Page) {
    lag(prefix, rows, depths, page);
    depth(prefix, rows, depths, page);
    SUBSCRIPTION.begin(prefix, page);
    let consumes = |row: &Row| *row.view.subscription().status().borrow() == SubscriptionState::Consuming;
    for row in rows {
        page.value(&[("subscriber", row.subscriber())], u8::from(consumes(row)));
    }
    CIRCUIT.begin(prefix, page);
    for row in rows {
        let state = match row.view.plan().breaker() {
            None => continue,
            Some(BreakerState::Closed) => 0,
            Some(BreakerState::HalfOpen) => 1,
            Some(BreakerState::Open { .. }) => 2,
        };
        page.value(&[("subscriber", row.subscriber())], state);
    }
    connections(prefix, source, page);
    PUBLISHERS.begin(prefix, page);
    page.value(&[], source.outlets.len());
    SUBSCRIBERS.begin(prefix, page);
    page.value(&[], rows.iter().filter(|row| consumes(row)).count());
    alerts(prefix, source, page);
}

/// Of two transports that have a queue of the same name, both: a name is what an alert names.
fn depth(prefix: &str, rows: &[Row], depths: &Seen, page: &mut Page) {
    DEPTH.begin(prefix, page);
    let mut queues: BTreeMap<&str, BTreeSet<(Text, Text)>> = BTreeMap::new();
    for row in rows {
        let plan = row.view.plan();
        for queue in std::iter::once(&plan.receiver.queue).chain(&plan.dead_letter) {
            queues.entry(queue).or_default().insert((plan.receiver.transport.clone(), queue.clone()));
        }
    }
    for (queue, on) in queues {
        if let Some(ready) = ready(&on, depths) {
            page.value(&[("queue", queue)], ready);
        }
    }
}

/// How much lies in all of these queues; `None`: of one it is not known, and a part would look like all of it.
fn ready(queues: &BTreeSet<(Text, Text)>, depths: &Seen) -> Option<u64> {
    queues.iter().map(|queue| depths.get(queue).copied()).sum()
}

/// Subscribers of one group may take the same topics, each from its own queue: the group waits for the sum. A queue that
/// several of them consume is counted once.
fn lag(prefix: &str, rows: &[Row], depths: &Seen, page: &mut Page) {
    LAG.begin(prefix, page);
    let mut queues: BTreeMap<(&str, &str), BTreeSet<(Text, Text)>> = BTreeMap::new();
    for row in rows {
        let [(_, topic), (_, group), _] = row.labels();
        let receiver = &row.view.plan().receiver;
        queues.entry((topic, group)).or_default().insert((receiver.transport.clone(), receiver.queue.clone()));
    }
    for ((topic, group), queues) in queues {
        if let Some(ready) = ready(&queues, depths) {
            page.value(&[("topic", topic), ("consumer_group", group), ("partition", "0")], ready);
        }
    }
}

fn connections(prefix: &str, source: &Source, page: &mut Page) {
    let seen = |transport: &dyn Transport| transport.status().iter().map(|status| *status.borrow()).collect();
    let transports: Vec<(&str, Vec<Status>)> =
        source.transports.iter().map(|transport| (transport.name(), seen(&**transport))).collect();
    CONNECTION.begin(prefix, page);
    for (transport, each) in &transports {
        let stands = |status: &Status| matches!(status.state, ConnectionState::Connected | ConnectionState::Blocked);
        page.value(&[("transport", transport)], u8::from(each.iter().all(stands)));
    }
    CONNECTIONS.begin(prefix, page);
    for (transport, each) in &transports {
        for (state, name) in STATES {
            let many = each.iter().filter(|status| status.state == state).count();
            page.value(&[("transport", transport), ("state", name)], many);
        }
    }
    RECONNECTS.begin(prefix, page);
    for (transport, each) in &transports {
        page.value(&[("transport", transport)], each.iter().map(|status| status.reconnects).sum::<u64>());
    }
}

fn alerts(prefix: &str, source: &Source, page: &mut Page) {
    ALERTS.begin(prefix, page);
    let mut kinds: BTreeMap<&str, u64> = AlertKind::BUILT_IN.iter().map(|kind| (kind.as_str(), 0)).collect();
    for (kind, many) in source.scope.alerts().counts() {
        *kinds.entry(kind.as_str()).or_default() += many;
    }
    for (kind, many) in kinds {
        page.value(&[("kind", kind)], many);
    }
}
