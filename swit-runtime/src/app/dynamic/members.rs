//! All subscribers of a running service, by name, and who owns their tasks.
//!
//! Guarantees: a name is had once, also while its subscriber is being made or drains; every consumer has one owner, this
//! collection or the task that drains it, and that task is joined or cancelled here; nothing waits while the lock is held.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    runtime,
    sync::{oneshot, watch},
    task::JoinSet,
    time::Instant,
};

use super::{Facts, Parts, Remaining, SubscriberState, SubscriberStatus, Subscription, Unsubscribed};
#[cfg(feature = "prometheus")]
use super::{Retired, Row};
use crate::{
    app::{
        graph::{Faults, Node, differ},
        start::{breaker, manner, plan},
    },
    consumer::{Consumer, View},
    error::{Error, Result, SubscribeError, TransportError},
    policy::Breaker,
    publisher::Outlets,
    text::Text,
    transport::{Deleted, Queue, SubscriptionState, Transport},
};

/// All subscribers of a running service.
pub(in crate::app) struct Members {
    parts: Parts,
    outlets: Arc<Outlets>,
    drain: Duration,
    runtime: runtime::Handle,
    state: Mutex<State>,
    /// Until when what drains may go on, once the service shuts down.
    ending: watch::Sender<Option<Instant>>,
}

struct State {
    members: Vec<Member>,
    /// Queues whose subscribers were unsubscribed: they are there still, bound as they were.
    kept: Vec<(Text, Queue)>,
    /// Tasks that drain; each says how many deliveries it had to give back.
    drains: JoinSet<usize>,
    /// Nobody is subscribed any more.
    closed: bool,
    #[cfg(feature = "prometheus")]
    retired: Retired,
}

/// One subscriber.
pub(in crate::app) struct Member {
    name: Text,
    queue: Queue,
    dead_letter: Option<Text>,
    transport: Text,
    dynamic: bool,
    stage: Stage,
}

enum Stage {
    Starting,
    Running(Box<Consumer>),
    Draining(View),
}

#[cfg(feature = "prometheus")]
impl Member {
    /// As it stands on the metrics page; one that is being made does not.
    fn row(&self) -> Option<Row> {
        Some(Row::new(self.view()?, &self.queue))
    }
}

impl Member {
    /// A linked subscriber that runs.
    pub(in crate::app) fn linked(node: &Node, consumer: Consumer) -> Self {
        Self { stage: Stage::Running(Box::new(consumer)), ..Self::starting(node, false) }
    }

    fn starting(node: &Node, dynamic: bool) -> Self {
        Self {
            name: node.registration.name.clone(),
            queue: node.queue.clone(),
            dead_letter: node.dead_letter.clone(),
            transport: node.resolved.transport.clone(),
            dynamic,
            stage: Stage::Starting,
        }
    }

    /// What is seen of it, once it runs.
    fn view(&self) -> Option<View> {
        match &self.stage {
            Stage::Starting => None,
            Stage::Running(consumer) => Some(consumer.view()),
            Stage::Draining(view) => Some(view.clone()),
        }
    }

    fn state(&self) -> SubscriberState {
        match &self.stage {
            Stage::Starting => SubscriberState::Starting,
            Stage::Draining(_) => SubscriberState::Draining,
            Stage::Running(consumer) => {
                let view = consumer.view();
                if view.plan().gate.is_paused() {
                    return SubscriberState::Paused;
                }
                match *view.subscription().status().borrow() {
                    SubscriptionState::Consuming => SubscriberState::Consuming,
                    SubscriptionState::Paused => SubscriberState::Paused,
                    SubscriptionState::Waiting | SubscriptionState::Closed => SubscriberState::Waiting,
                }
            }
        }
    }
}

impl State {
    fn find(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == *name)
    }

    /// Remembers a queue that is there and has no subscriber. False: it was known.
    fn keep(&mut self, transport: &Text, queue: &Queue) -> bool {
        if self.kept.iter().any(|(on, kept)| on == transport && kept.name == queue.name) {
            return false;
        }
        self.kept.push((transport.clone(), queue.clone()));
        true
    }

    /// Takes an unsubscribed member out. What it counted stays in the sums that it shares with others.
    fn remove(&mut self, name: &str) {
        #[cfg(feature = "prometheus")]
        if let Some(row) = self.find(name).and_then(Member::row) {
            let others = self.members.iter().filter(|member| member.name != *name);
            self.retired.add(&row, &others.filter_map(Member::row).collect::<Vec<_>>());
        }
        self.members.retain(|member| member.name != *name);
    }

    /// Whether this is called by a handler, which runs in the task of its worker.
    fn is_inside(&self) -> bool {
        let Some(task) = tokio::task::try_id() else { return false };
        self.members.iter().filter_map(Member::view).any(|view| view.runs_in(task))
    }

    /// The position of one that runs and may be changed.
    fn running(&self, name: &str) -> Result<usize, SubscribeError> {
        let Some(at) = self.members.iter().position(|member| member.name == *name) else {
            let names = self.members.iter().map(|member| member.name.as_str());
            let nearest = swit_grammar::nearest::nearest(name, names).map(Text::from);
            return Err(SubscribeError::Unknown { name: Text::from(name), nearest });
        };
        let doing = match self.members[at].stage {
            Stage::Running(_) => return Ok(at),
            Stage::Starting => "is being subscribed",
            Stage::Draining(_) => "is being unsubscribed and drains",
        };
        Err(SubscribeError::Busy { name: Text::from(name), doing })
    }
}

impl Members {
    /// Those that were linked; others may come.
    pub(in crate::app) fn new(parts: Parts, outlets: Arc<Outlets>, members: Vec<Member>, drain: Duration) -> Self {
        let state = State {
            members,
            kept: Vec::new(),
            drains: JoinSet::new(),
            closed: false,
            #[cfg(feature = "prometheus")]
            retired: Retired::default(),
        };
        Self {
            parts,
            outlets,
            drain,
            runtime: runtime::Handle::current(),
            state: Mutex::new(state),
            ending: watch::Sender::new(None),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; a poisoned state is still a consistent one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a subscriber: resolves when it consumes. Dropped before, it leaves none.
    pub(in crate::app) async fn subscribe(&self, options: Subscription, facts: Facts) -> Result<()> {
        let node = self.parts.assemble(&options, facts)?;
        let name = node.registration.name.clone();
        let mut place = self.reserve(&node)?;
        let closed = || Error::from(SubscribeError::Closed { name: name.clone() });
        let is_closing = || self.parts.scope.shutdown().is_cancelled();
        let Some(transport) = self.transport(&node.resolved.transport) else {
            return Err(SubscribeError::NotRunning.into());
        };
        let outlet = self.outlets.plain(transport.name())?;
        let breaker = self.breaker_for(&node)?;
        let mut queues: Vec<Queue> = node.dead_letter.iter().map(|queue| Queue::dead_letter(queue.clone())).collect();
        // Who consumes dead letters by name finds them there; else somebody's existing queue would be made twice.
        queues.retain(|queue| !(node.queue.existing && queue.name == node.queue.name));
        queues.push(node.queue.clone());
        let opened = async {
            transport.declare(&queues).await?;
            place.declared = Some(&node);
            let plan = Arc::new(plan(&node, &**transport, outlet, breaker, &self.parts.scope));
            Consumer::open(&**transport, plan, manner(&node)).await
        };
        let consumer = match opened.await {
            Ok(consumer) => consumer,
            Err(_) if is_closing() => return Err(closed()),
            Err(error) => return Err(error.into()),
        };
        if let Err(mut late) = place.take(consumer) {
            // The service began to shut down meanwhile.
            late.drain(Instant::now()).await;
            return Err(closed());
        }
        let topics: Vec<&str> = node.queue.patterns.iter().map(Text::as_str).collect();
        tracing::info!(
            subscriber = %name,
            location = %node.registration.location,
            queue = %node.queue.name,
            topics = topics.join(", "),
            concurrency = node.resolved.concurrency,
            "subscribed while running"
        );
        Ok(())
    }

    /// The breaker that it has or shares.
    fn breaker_for(&self, node: &Node) -> Result<Option<Arc<Breaker>>, SubscribeError> {
        breaker(node, &self.parts.breakers).map_err(|place| {
            let mut faults = Faults::default();
            differ(node, &place, &mut faults);
            SubscribeError::Invalid { name: node.registration.name.clone(), faults: faults.into_list() }
        })
    }

    /// A breaker by its name, else that of the subscriber of this name.
    pub(in crate::app) fn breaker(&self, name: &str) -> Option<Arc<Breaker>> {
        let own = || self.view(name)?.plan().restraints.as_ref()?.breaker().cloned();
        self.parts.breakers.find(name).or_else(own)
    }

    /// Takes the name, and makes sure that its queues serve no other purpose.
    fn reserve<'a>(&'a self, node: &Node) -> Result<Reserved<'a>, SubscribeError> {
        let name = &node.registration.name;
        let mut state = self.lock();
        if state.closed || self.parts.scope.shutdown().is_cancelled() {
            return Err(SubscribeError::Closed { name: name.clone() });
        }
        if let Some(known) = state.find(name) {
            let name = name.clone();
            return Err(match known.stage {
                Stage::Draining(_) => SubscribeError::Busy { name, doing: "is being unsubscribed and drains" },
                Stage::Starting | Stage::Running(_) => SubscribeError::Taken { name },
            });
        }
        let here = |member: &&Member| member.transport == node.resolved.transport;
        let clash = state.members.iter().filter(here).find_map(|member| {
            let is_own = |queue: &Queue, name: &Text| !queue.existing && queue.name == *name;
            if !member.queue.existing && member.queue.name == node.queue.name {
                Some(format!("its queue \"{}\" is that of the subscriber `{}`", node.queue.name, member.name))
            } else if node.dead_letter.as_ref().is_some_and(|queue| is_own(&member.queue, queue)) {
                Some(format!("its dead-letter queue \"{}\" is the queue of `{}`", member.queue.name, member.name))
            } else if member.dead_letter.as_ref().is_some_and(|queue| is_own(&node.queue, queue)) {
                Some(format!("its queue \"{}\" is the dead-letter queue of `{}`", node.queue.name, member.name))
            } else {
                None
            }
        });
        if let Some(clash) = clash {
            let help = "give it another name, group or dead-letter queue; who wants dead letters consumes them with \
                        `Subscription::of_queue`";
            let fault = crate::error::StartupFault::new(node.registration.location, format!("`{name}`: {clash}"), help);
            return Err(SubscribeError::Invalid { name: name.clone(), faults: vec![fault] });
        }
        let kept = state
            .kept
            .iter()
            .find(|(transport, queue)| *transport == node.resolved.transport && queue.name == node.queue.name);
        if kept.is_some_and(|(_, queue)| !node.queue.existing && !alike(queue, &node.queue)) {
            return Err(SubscribeError::Kept { name: name.clone(), queue: node.queue.name.clone() });
        }
        state.members.push(Member::starting(node, true));
        Ok(Reserved { members: self, name: name.clone(), declared: None })
    }

    /// Ends a subscriber: stops pulling at once, then drains. Its queue stays, unless it is to be deleted.
    pub(in crate::app) async fn unsubscribe(
        self: &Arc<Self>,
        name: &str,
        delete: Option<Remaining>,
    ) -> Result<Unsubscribed> {
        let (answer, answered) = oneshot::channel();
        let is_inside = {
            let mut state = self.lock();
            let is_inside = state.is_inside();
            let at = state.running(name)?;
            let member = &mut state.members[at];
            if delete.is_some() && member.queue.existing {
                let queue = member.queue.name.clone();
                return Err(SubscribeError::NotOurs { name: member.name.clone(), queue }.into());
            }
            let Stage::Running(running) = &member.stage else { return Err(SubscribeError::NotRunning.into()) };
            let view = running.view();
            let Stage::Running(consumer) = std::mem::replace(&mut member.stage, Stage::Draining(view)) else {
                return Err(SubscribeError::NotRunning.into());
            };
            let (name, queue, transport) = (member.name.clone(), member.queue.clone(), member.transport.clone());
            while state.drains.try_join_next().is_some() {}
            let ending = Ending { members: self.clone(), name, queue, transport, consumer, delete };
            // Now, not when the task comes to it.
            ending.consumer.stop();
            state.drains.spawn_on(ending.run(answer), &self.runtime);
            is_inside
        };
        if is_inside {
            return Ok(Unsubscribed::Draining);
        }
        // Without an answer the task was cancelled: the service ended first.
        answered.await.unwrap_or_else(|_| Err(SubscribeError::NotRunning.into()))
    }

    /// Begins no attempt until it is resumed.
    pub(in crate::app) fn pause(&self, name: &str, paused: bool) -> Result<(), SubscribeError> {
        let state = self.lock();
        let at = state.running(name)?;
        // Under the lock, so that of two calls the later one counts for the gate and for the transport alike.
        if let Some(view) = state.members[at].view() {
            if paused {
                view.pause();
            } else {
                view.resume();
            }
            tracing::info!(subscriber = name, paused, "paused or resumed by hand");
        }
        Ok(())
    }

    /// All subscribers, the linked ones first.
    pub(in crate::app) fn list(&self) -> Vec<SubscriberStatus> {
        let state = self.lock();
        let status = |member: &Member| SubscriberStatus {
            name: member.name.clone(),
            topics: member.queue.patterns.clone(),
            queue: member.queue.name.clone(),
            dead_letter: member.dead_letter.clone(),
            transport: member.transport.clone(),
            state: member.state(),
            dynamic: member.dynamic,
            breaker: member.view().and_then(|view| view.plan().breaker()),
            counts: member.view().map(|view| view.counts()).unwrap_or_default(),
        };
        state.members.iter().map(status).collect()
    }

    /// What is seen of those that run or drain, with what their series are labelled by.
    #[cfg(feature = "prometheus")]
    pub(in crate::app) fn rows(&self) -> (Vec<Row>, Retired) {
        let state = self.lock();
        (state.members.iter().filter_map(Member::row).collect(), state.retired.clone())
    }

    /// What is seen of those that run or drain.
    pub(in crate::app) fn views(&self) -> Vec<View> {
        self.lock().members.iter().filter_map(Member::view).collect()
    }

    /// What is seen of one.
    pub(in crate::app) fn view(&self, name: &str) -> Option<View> {
        self.lock().find(name)?.view()
    }

    /// Ends all: stops them together, drains until the deadline. How many deliveries were not finished by then.
    pub(in crate::app) async fn end(&self, deadline: Instant) -> usize {
        let (mut consumers, mut drains) = {
            let mut state = self.lock();
            state.closed = true;
            let mut consumers = Vec::new();
            for member in &mut state.members {
                let Stage::Running(running) = &member.stage else { continue };
                let view = running.view();
                if let Stage::Running(consumer) = std::mem::replace(&mut member.stage, Stage::Draining(view)) {
                    consumers.push(consumer);
                }
            }
            while state.drains.try_join_next().is_some() {}
            (consumers, std::mem::take(&mut state.drains))
        };
        self.ending.send_replace(Some(deadline));
        for consumer in &consumers {
            consumer.stop();
        }
        let mut unfinished = 0;
        for consumer in &mut consumers {
            unfinished += consumer.drain(deadline).await;
        }
        while let Some(drained) = drains.join_next().await {
            unfinished += drained.unwrap_or_default();
        }
        unfinished
    }

    /// Resolves when the service shuts down and what drains has no more time.
    async fn ended(&self) {
        let at = self.ending.subscribe().wait_for(Option::is_some).await.ok().and_then(|at| *at);
        match at {
            Some(at) => tokio::time::sleep_until(at).await,
            // Whoever would say so is gone, which is here.
            None => std::future::pending().await,
        }
    }

    /// Cancels all, at once: their deliveries go back to the transport.
    pub(in crate::app) fn abort(&self) {
        let (members, drains) = {
            let mut state = self.lock();
            state.closed = true;
            (std::mem::take(&mut state.members), std::mem::take(&mut state.drains))
        };
        drop((members, drains));
    }

    fn transport(&self, name: &str) -> Option<&Arc<dyn Transport>> {
        self.parts.transports.iter().find(|known| known.name() == name)
    }
}

/// A name that is taken for a subscriber which is being made.
struct Reserved<'a> {
    members: &'a Members,
    name: Text,
    /// Its queue is there and receives its topics.
    declared: Option<&'a Node>,
}

impl Reserved<'_> {
    /// Hands the consumer over, unless the service shuts down.
    fn take(mut self, consumer: Consumer) -> Result<(), Box<Consumer>> {
        let consumer = Box::new(consumer);
        let mut state = self.members.lock();
        if state.closed {
            return Err(consumer);
        }
        match state.members.iter_mut().find(|member| member.name == self.name) {
            Some(member) => {
                let queue = member.queue.clone();
                let transport = member.transport.clone();
                member.stage = Stage::Running(consumer);
                state.kept.retain(|(on, kept)| !(*on == transport && kept.name == queue.name));
                drop(state);
                self.declared = None;
                Ok(())
            }
            None => Err(consumer),
        }
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        let mut state = self.members.lock();
        state.members.retain(|member| member.name != self.name || !matches!(member.stage, Stage::Starting));
        let Some(node) = self.declared.take().filter(|node| !node.queue.existing && !node.queue.exclusive) else {
            return;
        };
        let is_new = state.keep(&node.resolved.transport, &node.queue);
        drop(state);
        if is_new {
            tracing::warn!(
                subscriber = %self.name,
                queue = %node.queue.name,
                "it was not subscribed, but its queue is there and receives its topics, so it grows until somebody consumes it"
            );
        }
    }
}

/// A subscriber that was unsubscribed, until it has ended.
struct Ending {
    members: Arc<Members>,
    name: Text,
    queue: Queue,
    transport: Text,
    consumer: Box<Consumer>,
    delete: Option<Remaining>,
}

impl Ending {
    async fn run(mut self, answer: oneshot::Sender<Result<Unsubscribed>>) -> usize {
        let deadline = Instant::now() + self.members.drain;
        let mut ending = self.members.ending.subscribe();
        let hurry = async move {
            let found = ending.wait_for(Option::is_some).await.ok().and_then(|at| *at);
            found.unwrap_or(deadline)
        };
        let mut unfinished = tokio::select! {
            unfinished = self.consumer.drain(deadline) => Some(unfinished),
            at = hurry => {
                // Drained on below, with less time.
                self.consumer.stop();
                let unfinished = self.consumer.drain(at.min(deadline)).await;
                Some(unfinished)
            }
        };
        let unfinished = unfinished.take().unwrap_or_default();
        drop(self.consumer);
        let deleted = match self.delete {
            Some(remaining) => match self.members.transport(&self.transport) {
                Some(transport) => Some(tokio::select! {
                    deleted = transport.withdraw(&self.queue, remaining == Remaining::Delete) => deleted,
                    () = self.members.ended() => {
                        Err(TransportError::new(transport.name(), "withdraw", "the service ended before its queue was deleted"))
                    }
                }),
                None => None,
            },
            None => None,
        };
        let is_gone = matches!(deleted, Some(Ok(Deleted::Gone(_)))) || self.queue.exclusive || self.queue.existing;
        {
            let mut state = self.members.lock();
            state.remove(&self.name);
            if !is_gone {
                state.keep(&self.transport, &self.queue);
            }
        }
        if is_gone {
            tracing::info!(subscriber = %self.name, queue = %self.queue.name, unfinished, "unsubscribed");
        } else {
            tracing::warn!(
                subscriber = %self.name,
                queue = %self.queue.name,
                unfinished,
                "unsubscribed; its queue is kept and still receives its topics, so it grows until somebody consumes it"
            );
        }
        let drained = match deleted.transpose() {
            Ok(queue) => Ok(Unsubscribed::Drained { unfinished, queue }),
            Err(error) => {
                tracing::error!(subscriber = %self.name, queue = %self.queue.name, %error, "its queue was not deleted");
                Err(error.into())
            }
        };
        // Whoever asked may be gone.
        let _ = answer.send(drained);
        unfinished
    }
}

/// Whether two declarations of a queue are the same, whatever the order of their patterns.
fn alike(a: &Queue, b: &Queue) -> bool {
    let sorted = |queue: &Queue| {
        let mut queue = queue.clone();
        queue.patterns.sort();
        queue.patterns.dedup();
        queue
    };
    sorted(a) == sorted(b)
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<Text> = self.lock().members.iter().map(|member| member.name.clone()).collect();
        f.debug_struct("Members").field("names", &names).finish_non_exhaustive()
    }
}
