//! What earlier deployments left behind, out of what a broker lists: queues and bindings of this service that it wants no
//! more, and never those of anybody else.

use super::listing::{Listed, Listing};
use crate::{
    transport::{Binding, Known, LeftQueue},
    transports::rabbitmq::{
        names::{self, DEAD},
        wanted::Wanted,
    },
};

/// Bindings of this service's queues to swit's own exchanges that are wanted no more.
///
/// Another service may share a queue (a consumer group of its own name, a dead-letter queue of several services). So only
/// queues that are named after this service are looked at; and in `swit.dead`, where the key is the queue that letters come
/// from, keys that are, of queues that are gone or go elsewhere with their letters now. What somebody bound to an exchange
/// of his own is his.
pub(super) fn stale(listing: &Listing, wanted: &Wanted, known: &Known, service: &str, exchange: &str) -> Vec<Binding> {
    let due = names::due(exchange);
    let wants = |name: &str| wanted.queues.iter().any(|queue| *queue.name == *name);
    // Also one that is not there now, where it is another transport's or others make it.
    let lives = |name: &str| known.has(name) || listing.has_queue(name);
    let is_own = |name: &str| name.strip_prefix(service).is_some_and(|rest| rest.starts_with('.'));
    let mut stale: Vec<Binding> = listing
        .bindings
        .iter()
        .filter(|binding| wants(&binding.queue))
        .filter(|binding| {
            let through = binding.exchange.as_str();
            ((through == exchange || through == due.as_str()) && is_own(&binding.queue))
                || (through == DEAD && is_own(&binding.key) && (wants(&binding.key) || !lives(&binding.key)))
        })
        .filter(|binding| !wanted.bindings.contains(binding))
        .cloned()
        .collect();
    stale.sort();
    stale
}

/// Queues that are named after this service and are wanted no more: of subscribers that are gone or renamed, their
/// dead-letter queues, and those in which their retries waited.
///
/// A queue that ends by itself, as one of an instance does, is none of them. Those in which an instance's retries waited do
/// not: how long something waits in them is no measure of how long they are needed. An instance takes them with it as it
/// ends; one that was killed leaves them behind, for good once its own queue has ended.
pub(super) fn left(listing: &Listing, known: &Known, service: &str) -> Vec<LeftQueue> {
    let mut left: Vec<LeftQueue> = listing
        .queues
        .iter()
        .filter(|queue| !queue.ends_by_itself())
        .filter_map(|queue| {
            let own = queue.name.strip_prefix(service)?.strip_prefix('.')?;
            let retries_of = retries_of(&queue.name);
            let is_used =
                known.has(&queue.name) || retries_of.is_some_and(|of| known.has(of) || listing.has_of_an_instance(of));
            let is_of_an_instance = retries_of.is_some_and(|of| known.is_of_an_instance(of) && !listing.has_queue(of));
            (!is_used).then(|| left_queue(queue, listing, !is_of_an_instance && subscriber(own).contains('.')))
        })
        .collect();
    left.sort_by(|a, b| a.name.cmp(&b.name));
    left
}

fn left_queue(queue: &Listed, listing: &Listing, is_doubtful: bool) -> LeftQueue {
    let mut left = LeftQueue::new(queue.name.as_str());
    left.messages = queue.messages;
    left.consumers = queue.consumers;
    left.bindings = listing.bindings.iter().filter(|binding| *binding.queue == *queue.name).cloned().collect();
    left.is_doubtful = is_doubtful;
    left
}

/// The queue whose retries wait in a queue of this name.
fn retries_of(name: &str) -> Option<&str> {
    name.rsplit_once(".retry.").map(|(queue, _)| queue)
}

/// The subscriber that a queue belongs to, of its name behind the service's.
fn subscriber(own: &str) -> &str {
    let own = retries_of(own).unwrap_or(own);
    own.strip_suffix(".dlq").unwrap_or(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        text::Text,
        transport::Queue,
        transports::rabbitmq::{Address, RabbitMqOptions},
    };

    const EVENTS: &str = "swit.events";

    fn options() -> RabbitMqOptions {
        RabbitMqOptions::new(Address::parse("amqp://localhost", false).unwrap())
    }

    fn queue(name: &str) -> Listed {
        Listed { name: name.to_owned(), ..Listed::default() }
    }

    fn wanted() -> Wanted {
        let confirm = Queue::subscriber("orders.confirm", [Text::from("order.created")]).with_dead_letter("shared.dlq");
        let group = Queue::subscriber("audit.log", [Text::from("#")]);
        Wanted::lasting(&[confirm, group], &options())
    }

    /// What `wanted` makes, and what it does not: existing queues, which others made.
    fn known() -> Known {
        let made = wanted().queues.into_iter().map(|queue| queue.name);
        Known::new(made.chain([Text::from("orders.imports"), Text::from("orders.disabled")]))
            .with_per_instance(["orders.all"])
    }

    #[test]
    fn stale_bindings_are_this_services_own() {
        let wanted = wanted();
        let queues = vec![queue("orders.all.host-1"), queue("orders.left")];
        let mut listing = Listing { queues, bindings: wanted.bindings.clone() };
        assert_eq!(stale(&listing, &wanted, &known(), "orders", EVENTS), []);
        let expected = [
            Binding::new("orders.confirm", EVENTS, "order.old"),
            Binding::new("orders.confirm", "swit.events.due", "order.old"),
            Binding::new("shared.dlq", DEAD, "orders.gone"),
        ];
        listing.bindings.extend(expected.clone());
        listing.bindings.extend([
            // An instance that runs, and a queue that was left behind and may still hold something.
            Binding::new("shared.dlq", DEAD, "orders.all.host-1"),
            Binding::new("shared.dlq", DEAD, "orders.left"),
            // Of a queue that others made, also while it is not there.
            Binding::new("shared.dlq", DEAD, "orders.imports"),
            // Another service shares the dead-letter queue, and another one the group.
            Binding::new("shared.dlq", DEAD, "billing.charge"),
            Binding::new("audit.log", EVENTS, "billing.#"),
            // An operator's own.
            Binding::new("orders.confirm", "backfill", "order.created"),
            // Somebody else's queue.
            Binding::new("orders-eu.confirm", EVENTS, "order.old"),
        ]);
        assert_eq!(stale(&listing, &wanted, &known(), "orders", EVENTS), expected);
    }

    #[test]
    fn queues_that_were_left_behind_are_this_services_own() {
        let mut listing = Listing { queues: vec![], bindings: vec![] };
        for name in ["orders.confirm", "orders.confirm.retry.1s", "audit.log", "audit.old", "orders-eu.old", "orders"] {
            listing.queues.push(queue(name));
        }
        for name in ["orders.imports", "orders.imports.retry.5s", "orders.disabled", "orders.disabled.retry.1m"] {
            listing.queues.push(queue(name));
        }
        listing.queues.push(Listed { auto_delete: true, ..queue("orders.tail.host-1") });
        listing.queues.push(Listed { exclusive: true, ..queue("orders.all.host-1") });
        // Instances that run, one of them of an older version.
        listing.queues.push(queue("orders.all.host-1.retry.5s"));
        listing
            .queues
            .push(Listed { arguments: serde_json::json!({"x-expires": 1}), ..queue("orders.gone.host.example-2") });
        listing.queues.push(queue("orders.gone.host.example-2.retry.5s"));
        assert_eq!(left(&listing, &known(), "orders"), []);
        for (name, doubtful) in [
            ("orders.confirm.dlq", false),
            ("orders.eu.audit", true),
            ("orders.eu.audit.dlq", true),
            ("orders.old", false),
            ("orders.old.dlq", false),
            ("orders.old.retry.1m", false),
            // Of instances that were killed.
            ("orders.all.host.example-7.retry.5s", false),
            ("orders.gone.host-7.retry.5s", true),
            ("orders.all.retry.5s", false),
            ("orders.all.host-7", true),
        ] {
            listing.queues = vec![Listed { messages: 7, ..queue(name) }];
            listing.bindings = vec![Binding::new(name, EVENTS, "a"), Binding::new("other", EVENTS, "a")];
            let left = left(&listing, &known(), "orders");
            assert_eq!(left.len(), 1, "{name}");
            assert_eq!((&*left[0].name, left[0].messages, left[0].is_doubtful), (name, 7, doubtful));
            assert_eq!(left[0].bindings.len(), 1);
        }
        // As the service `orders.all` may have them.
        listing.queues = vec![queue("orders.all.confirm"), queue("orders.all.confirm.retry.5s")];
        assert!(left(&listing, &known(), "orders").iter().all(|left| left.is_doubtful));
    }
}
