//! What is there, against what is wanted: asked thing by thing, on channels that an answer may close.

use super::{ACCESS_REFUSED, Core, NOT_FOUND, PRECONDITION_FAILED, code, leftovers, listing::Listing};
use crate::{
    error::TransportError,
    transport::{Comparison, Difference, Known, Queue, Thing},
    transports::rabbitmq::{
        declare::{Counts, Declaring},
        link::{Up, describe},
        wanted::Wanted,
    },
};

/// Compares. A thing that exists is declared as it is wanted, which changes nothing and is refused if it differs.
pub(super) async fn compare(
    core: &Core,
    service: &str,
    queues: &[Queue],
    known: &Known,
) -> Result<Comparison, TransportError> {
    let Some(up) = core.consume.up().await else { return Err(core.closed("compare")) };
    let mut asking = Asking { core, up, declaring: None };
    let wanted = Wanted::lasting(queues, &core.options);
    let mut found = Comparison::default();
    for exchange in &wanted.exchanges {
        let thing = Thing::Exchange(exchange.name.clone());
        let answer = asking.on().await?.exchange_exists(&exchange.name).await;
        if asking.there(&exchange.name, answer)?.is_none() {
            found.missing.push(thing);
            continue;
        }
        let answer = asking.on().await?.exchange(exchange).await;
        asking.same(thing, answer, &mut found)?;
    }
    let mut there = Vec::new();
    for queue in &wanted.queues {
        let thing = Thing::Queue(queue.name.clone());
        if asking.counts(&queue.name).await?.is_none() {
            found.missing.push(thing);
            continue;
        }
        there.push(&queue.name);
        let answer = asking.on().await?.queue(queue).await;
        asking.same(thing, answer, &mut found)?;
    }
    for queue in queues.iter().filter(|queue| queue.existing) {
        // Its own dead-letter queue may be what a subscriber consumes.
        if wanted.queues.iter().any(|known| known.name == queue.name) {
            continue;
        }
        if asking.counts(&queue.name).await?.is_some() {
            found.present += 1;
        } else {
            let what = "it does not exist, and it is not this service's to make";
            found.differing.push(Difference::new(Thing::Queue(queue.name.clone()), what));
        }
    }
    let listing = listing(core, &mut found).await;
    for binding in &wanted.bindings {
        let is_there = there.contains(&&binding.queue);
        match &listing {
            Some(listing) if is_there && listing.has(binding) => found.present += 1,
            // Whether it is there is not known, and was said.
            None if is_there => {}
            _ => found.missing.push(Thing::Binding(binding.clone())),
        }
    }
    if let Some(listing) = &listing {
        found.stale = leftovers::stale(listing, &wanted, known, service, &core.options.exchange);
        found.left = leftovers::left(listing, known, service);
        for queue in &mut found.left {
            // The listing is some seconds old.
            if let Some(now) = asking.counts(&queue.name).await? {
                queue.messages = queue.messages.max(now.ready);
                queue.consumers = now.consumers;
            }
        }
    }
    if let Some(declaring) = asking.declaring {
        declaring.close().await;
    }
    Ok(found)
}

/// The broker's queues and bindings, or why there is no list.
async fn listing(core: &Core, found: &mut Comparison) -> Option<Listing> {
    const WHAT: &str = "bindings of queues that exist, and what earlier deployments left behind";
    let Some(management) = &core.options.management else {
        let how = "AMQP lists neither queues nor bindings; name the management API: `management = \"http://localhost:15672\"`";
        found.unchecked.push(format!("{WHAT}: {how}"));
        return None;
    };
    match management.list(&core.options.address).await {
        Ok(listing) => Some(listing),
        Err(error) => {
            found.unchecked.push(format!("{WHAT}: {error}"));
            None
        }
    }
}

/// Asks on one channel after the other: an answer that is an error closes it.
struct Asking<'a> {
    core: &'a Core,
    up: Up,
    declaring: Option<Declaring<'a>>,
}

impl<'a> Asking<'a> {
    async fn on(&mut self) -> Result<&Declaring<'a>, TransportError> {
        let on = if let Some(on) = self.declaring.take() {
            on
        } else {
            let opened = Declaring::on(&self.up, &self.core.options).await;
            opened.map_err(|error| self.core.failed("compare", "a channel", &error))?
        };
        Ok(self.declaring.insert(on))
    }

    async fn counts(&mut self, queue: &str) -> Result<Option<Counts>, TransportError> {
        let answer = self.on().await?.queue_exists(queue).await;
        self.there(queue, answer)
    }

    /// What a question about a thing is answered by, `None` if there is no such thing.
    fn there<T>(&mut self, what: &str, answer: Result<T, lapin::Error>) -> Result<Option<T>, TransportError> {
        let Err(error) = answer else { return Ok(answer.ok()) };
        self.declaring = None;
        if code(&error) == NOT_FOUND { Ok(None) } else { Err(self.core.failed("compare", what, &error)) }
    }

    /// Notes whether a thing that exists is as it is wanted, of the answer to its declaration.
    fn same(
        &mut self,
        thing: Thing,
        answer: Result<(), lapin::Error>,
        found: &mut Comparison,
    ) -> Result<(), TransportError> {
        let Err(error) = answer else {
            found.present += 1;
            return Ok(());
        };
        self.declaring = None;
        match code(&error) {
            PRECONDITION_FAILED => found.differing.push(Difference::new(thing, difference(&describe(&error)))),
            ACCESS_REFUSED => {
                found.unchecked.push(format!("whether the {thing} is as wanted: this user may not declare it"));
            }
            _ => return Err(self.core.failed("compare", &thing.to_string(), &error)),
        }
        Ok(())
    }
}

/// The broker's words, without what says again which thing is meant:
/// `… - inequivalent arg 'x-max-length' for queue 'a' in vhost '/': received none but current is '5'`.
fn difference(said: &str) -> String {
    let Some((_, rest)) = said.split_once("inequivalent arg ") else { return said.to_owned() };
    match (rest.split_once(" for "), rest.rsplit_once(": ")) {
        (Some((argument, _)), Some((_, values))) => {
            format!("{argument}: {}", values.replace("received", "wanted").replace("but current is", "but it has"))
        }
        _ => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_said_shortly() {
        for (said, shown) in [
            (
                "protocol error: AMQP soft error: PRECONDITION-FAILED: PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'a.b' in vhost '/': received 'quorum' but current is 'classic'",
                "'x-queue-type': wanted 'quorum' but it has 'classic'",
            ),
            ("something else", "something else"),
        ] {
            assert_eq!(difference(said), shown);
        }
    }
}
