//! The queues in which delayed publications wait for their time, each made when the first one comes.
//!
//! Guarantee: what waits for its queue to be made holds up nothing else, and keeps its order. What can't be made is not
//! tried again for each publication.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    pin::Pin,
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use lapin::Channel;
use tokio::time::Instant;

use super::{
    core::Core,
    declare::{Declaring, in_time},
    link::{Up, describe},
    names::{self, Step},
    outlet::Ticket,
    route::destination,
};
use crate::{
    error::PublishError,
    text::Text,
    transport::{Publication, Target},
};

/// For how long nobody tries again to make what could not be made.
const REMEMBERED: Duration = Duration::from_secs(3);

/// The delay queues that the publications of one channel need.
pub(super) struct Delays<'a> {
    core: &'a Core,
    up: &'a Up,
    channel: Channel,
    places: HashMap<Text, Place>,
    making: FuturesUnordered<Making<'a>>,
}

/// What is known of a delay queue.
enum Place {
    Ready,
    /// It is being made for these. As many as come meanwhile, which is not for long; they could wait nowhere else.
    Coming(VecDeque<Ticket>),
    /// It could not be made: when that was, and why.
    Failed(Instant, String),
}

type Making<'a> = Pin<Box<dyn Future<Output = (Text, Result<(), lapin::Error>)> + Send + 'a>>;

impl<'a> Delays<'a> {
    /// Nothing is known yet.
    pub(super) fn new(core: &'a Core, up: &'a Up, channel: Channel) -> Self {
        Self { core, up, channel, places: HashMap::new(), making: FuturesUnordered::new() }
    }

    /// Gives a publication back whose queue is there. Others are kept until it is made, or answered if it can't be.
    pub(super) fn admit(&mut self, place: &Text, ticket: Ticket) -> Option<Ticket> {
        match self.places.get_mut(place) {
            Some(Place::Ready) => return Some(ticket),
            Some(Place::Coming(waiting)) => {
                waiting.push_back(ticket);
                return None;
            }
            Some(Place::Failed(at, reason)) if at.elapsed() < REMEMBERED => {
                let reason = reason.clone();
                refuse(ticket, reason);
                return None;
            }
            Some(Place::Failed(..)) | None => {}
        }
        self.making.push(self.make(place.clone(), &ticket.publication));
        self.places.insert(place.clone(), Place::Coming(VecDeque::from([ticket])));
        None
    }

    fn make(&self, place: Text, publication: &Publication) -> Making<'a> {
        let (core, up) = (self.core, self.up);
        let (target, step) = (publication.target.clone(), Step::of(publication.delay));
        Box::pin(async move {
            let making = async {
                let declaring = Declaring::on(up, &core.options).await?;
                match &target {
                    Target::Queue(queue) => declaring.retry_queue(queue, step).await?,
                    Target::Topic => declaring.delay(step).await?,
                }
                declaring.close().await;
                Ok(())
            };
            (place, in_time(making).await)
        })
    }

    /// Waits until a queue is made, or can't be. Those that can be sent now, in their order; at once `None` when none is
    /// being made. Cancel safe.
    pub(super) async fn made(&mut self) -> Option<VecDeque<Ticket>> {
        let (place, made) = self.making.next().await?;
        if made.is_err() && !self.channel.status().connected() {
            // It is not to blame: they wait for the next channel.
            return Some(VecDeque::new());
        }
        let now = match &made {
            Ok(()) => Place::Ready,
            Err(error) => {
                tracing::error!(transport = %self.core.name, queue = %place, error = %describe(error), "can't make a delay queue");
                let reason = format!("its delay queue `{place}` can't be made: {}", describe(error));
                Place::Failed(Instant::now(), reason)
            }
        };
        let refusal = if let Place::Failed(_, reason) = &now { Some(reason.clone()) } else { None };
        let waiting = match self.places.insert(place, now) {
            Some(Place::Coming(waiting)) => waiting,
            _ => VecDeque::new(),
        };
        let Some(reason) = refusal else { return Some(waiting) };
        for ticket in waiting {
            refuse(ticket, reason.clone());
        }
        Some(VecDeque::new())
    }

    /// Somebody deleted it: it is made again for the next one.
    pub(super) fn forget(&mut self, place: &Text) {
        if matches!(self.places.get(place), Some(Place::Ready)) {
            self.places.remove(place);
        }
    }

    /// Whether nothing waits for its queue.
    pub(super) fn is_empty(&self) -> bool {
        !self.places.values().any(|place| matches!(place, Place::Coming(_)))
    }

    /// Answers those whose time is over: nothing of them was published.
    pub(super) fn expire(&mut self) {
        let now = Instant::now();
        for place in self.places.values_mut() {
            if let Place::Coming(waiting) = place
                && waiting.iter().any(|ticket| ticket.is_late(now))
            {
                let (late, rest): (VecDeque<_>, _) =
                    std::mem::take(waiting).into_iter().partition(|ticket| ticket.is_late(now));
                *waiting = rest;
                for ticket in late {
                    ticket.expire("the broker makes no delay queue");
                }
            }
        }
    }

    /// Takes out all that wait.
    pub(super) fn take_all(&mut self) -> VecDeque<Ticket> {
        let waiting = self.places.drain().filter_map(|(_, place)| match place {
            Place::Coming(waiting) => Some(waiting),
            Place::Ready | Place::Failed(..) => None,
        });
        waiting.flatten().collect()
    }
}

fn refuse(ticket: Ticket, reason: String) {
    let destination = destination(&ticket.publication);
    // Whoever does not wait any more does not want to know.
    let _ = ticket.answer.send(Err(PublishError::Refused { destination, reason }));
}

/// Where a delayed publication waits.
pub(super) fn waits_in(publication: &Publication, exchange: &str) -> Option<Text> {
    if publication.delay.is_zero() {
        return None;
    }
    let step = Step::of(publication.delay);
    Some(match &publication.target {
        Target::Topic => names::delay(exchange, step),
        Target::Queue(queue) => names::retry_queue(queue, step),
    })
}
