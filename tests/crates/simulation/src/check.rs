//! What has to be true once nothing goes wrong any more and everything is done.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::de::DeserializeOwned;
use swit::{
    Text,
    store::{Claim, Instance, SagaFilter, SagaState, Store},
    stores::MemoryStore,
    transport::Transport,
};
use swit_runtime::saga::Choreographed;

use crate::{
    ledger::Account,
    orders::{Handled, Placed, place_of},
    run::Ordered,
    trip::{Effects, STEPS},
    world::World,
};

/// What the clients did.
#[derive(Debug, Default)]
pub(crate) struct Expected(Vec<Ordered>);

impl Expected {
    pub(crate) fn add(&mut self, ordered: Ordered) {
        self.0.push(ordered);
    }
}

const SUBSCRIBERS: [&str; 5] = ["place", "note", "pack", "packed-arrives", "ships"];

async fn all_instances(store: &MemoryStore) -> Vec<Instance> {
    store.sagas().list(&SagaFilter::default(), None, 1_000).await.unwrap_or_default()
}

/// Whether nothing is left to be done.
pub(crate) async fn is_quiet(store: &MemoryStore, broker: &dyn Transport) -> bool {
    let is_over = all_instances(store).await.iter().all(|instance| instance.state.is_finished());
    let depth = store.outbox().depth().await;
    let lying = broker.inspect().is_some_and(|inspect| {
        inspect.queues().iter().any(|queue| !is_dead_letters(queue) && inspect.depth(queue).unwrap_or(0) > 0)
    });
    is_over && depth.is_ok_and(|depth| depth.pending == 0) && !lying
}

fn is_dead_letters(queue: &Text) -> bool {
    queue.ends_with(".dlq")
}

async fn state<T: Choreographed + Default + DeserializeOwned>(store: &MemoryStore, key: &str) -> T {
    let found = store.sagas().state(T::NAME, key).await.ok().flatten();
    found.and_then(|(_, body)| serde_json_of(&body)).unwrap_or_default()
}

fn serde_json_of<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

/// All that is not as it has to be, and how the instances ended.
pub(crate) async fn check(
    world: &World,
    store: &MemoryStore,
    broker: &dyn Transport,
    expected: &Expected,
) -> (Vec<String>, BTreeMap<&'static str, u32>) {
    let mut wrong = Vec::new();
    let instances = all_instances(store).await;
    let mut ended = BTreeMap::new();
    for instance in &instances {
        *ended.entry(instance.state.as_str()).or_default() += 1;
        let effects: Effects = state(store, &instance.key).await;
        let reserved = effects.all.iter().any(|effect| effect.step == "reserve" && !effect.undone);
        let mail = store.sagas().mail(&instance.saga, &instance.key, "packed").await.ok().flatten();
        if reserved && mail.is_none() && !world.is_late(&instance.key) {
            wrong.push(format!("the event for {} is lost", instance.key));
        }
        wrong.extend(of_instance(instance, &effects, &world.ledger.accounts(&instance.key)));
    }
    for ordered in &expected.0 {
        let found = instances.iter().find(|instance| *instance.key == *ordered.order);
        match found.map(|found| found.state) {
            None => wrong.push(format!("the instance of {} is lost", ordered.order)),
            Some(SagaState::Completed) if ordered.cancelled => {
                wrong.push(format!("{} was cancelled before it was over, and completed", ordered.order));
            }
            Some(_) => {}
        }
    }
    wrong.extend(of_messages(world, store, expected, &instances).await);
    let depth = store.outbox().depth().await.unwrap_or_default();
    if depth.pending + depth.parked > 0 {
        wrong.push(format!("something is left in the outbox: {depth:?}"));
    }
    let owned = instances.iter().filter(|instance| !instance.owner.is_empty());
    wrong.extend(owned.map(|instance| format!("{} is over, and somebody's", instance.key)));
    if let Some(inspect) = broker.inspect() {
        let lying = inspect.queues().into_iter().filter_map(|queue| Some((inspect.depth(&queue)?, queue)));
        wrong.extend(lying.filter(|(depth, _)| *depth > 0).map(|(depth, queue)| format!("{depth} lie in {queue}")));
    }
    (wrong, ended)
}

/// When a step was done, and when it was undone.
#[derive(Debug, Default)]
struct Did {
    done: Vec<u64>,
    undone: Vec<u64>,
}

fn of_instance(instance: &Instance, effects: &Effects, accounts: &[Account]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut say = |what: String| wrong.push(format!("{} ({}): {what}", instance.key, instance.state));
    let mut steps: BTreeMap<usize, Did> = BTreeMap::new();
    let place = |step: &str| STEPS.iter().position(|known| *known == step).unwrap_or(STEPS.len());
    for effect in &effects.all {
        let did = steps.entry(place(&effect.step)).or_default();
        if effect.undone { &mut did.undone } else { &mut did.done }.push(effect.at);
    }
    for account in accounts {
        let did = steps.entry(place(account.step)).or_default();
        did.done.extend(account.done);
        did.undone.extend(account.undone);
    }
    let completed = instance.state == SagaState::Completed;
    if !instance.state.is_finished() {
        say(format!("it is not over: parked {:?}, {}", instance.parked, instance.journal));
    }
    let (mut last_done, mut last_undone) = (None, None);
    for (at, name) in STEPS.iter().enumerate() {
        let none = Did::default();
        let did = steps.get(&at).unwrap_or(&none);
        let (done, undone) = (did.done.len(), did.undone.len());
        let outside = matches!(*name, "pay" | "ship");
        match (completed, done, undone) {
            (true, 1, 0) | (false, 0, 0) | (false, 1, 1) => {}
            // Nobody knew whether it was done, and it was not.
            (false, 0, 1) if outside => {}
            _ => say(format!("`{name}` was done {done} times and undone {undone} times")),
        }
        if let (Some(done), Some(undone)) = (did.done.first(), did.undone.first())
            && undone < done
        {
            say(format!("`{name}` was undone before it was done"));
        }
        if let Some(done) = did.done.first().copied() {
            if last_done.is_some_and(|last| done < last) {
                say(format!("`{name}` was done before the step before it"));
            }
            last_done = Some(done);
        }
        if let Some(undone) = did.undone.first().copied() {
            if last_undone.is_some_and(|last| undone > last) {
                say(format!("`{name}` was undone after the step before it"));
            }
            last_undone = Some(undone);
        }
    }
    wrong
}

/// Each message's effect once per subscriber, and no message lost, nor one that nobody committed.
async fn of_messages(world: &World, store: &MemoryStore, expected: &Expected, instances: &[Instance]) -> Vec<String> {
    let mut wrong = Vec::new();
    let delivered = world.delivered();
    let mut handled: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (subscriber, id) in &delivered {
        let times = state::<Handled>(store, &place_of(subscriber, id)).await.times;
        if times != 1 {
            wrong.push(format!("{subscriber} handled {id} {times} times"));
        }
        handled.entry(subscriber).or_default().insert(id);
        if is_claimable(store, subscriber, id).await {
            wrong.push(format!("{subscriber} did not keep its claim of {id}, or somebody has it still"));
        }
    }
    let placed: BTreeSet<&str> = expected.0.iter().flat_map(|ordered| &ordered.messages).map(String::as_str).collect();
    if handled.get("place").cloned().unwrap_or_default() != placed {
        wrong.push(format!("{placed:?} were published, {:?} placed", handled.get("place")));
    }
    let mut reserved = 0;
    for instance in instances {
        let effects: Effects = state(store, &instance.key).await;
        reserved += effects.all.iter().filter(|effect| effect.step == "reserve" && !effect.undone).count();
    }
    let is_known = |instance: &&Instance| instance.journal.contains(r#""step":"ship","output""#);
    let shipped = instances.iter().filter(is_known).count();
    for (subscriber, wanted) in SUBSCRIBERS.into_iter().zip([placed.len(), placed.len(), reserved, reserved, shipped]) {
        let found = handled.get(subscriber).map_or(0, BTreeSet::len);
        if found != wanted {
            wrong.push(format!("{subscriber} handled {found} messages, not {wanted}"));
        }
    }
    let all = state::<Placed>(store, "all").await.messages as usize;
    if all != placed.len() {
        wrong.push(format!("the row of all orders counts {all}, not {}", placed.len()));
    }
    wrong
}

/// Whether a message that was handled can be claimed again, or nobody says.
async fn is_claimable(store: &MemoryStore, subscriber: &str, id: &str) -> bool {
    let Ok(mut work) = store.begin().await else { return true };
    let claim = work.claim(subscriber, id, std::time::SystemTime::UNIX_EPOCH);
    !matches!(tokio::time::timeout(Duration::from_secs(1), claim).await, Ok(Ok(Claim::Duplicate)))
}

/// Whoever ended has left.
pub(crate) async fn after_the_end(store: &MemoryStore) -> Vec<String> {
    let relays = store.outbox().partitions().await.unwrap_or_default();
    let relays: BTreeSet<_> =
        relays.into_iter().map(|partition| partition.relay).filter(|relay| !relay.is_empty()).collect();
    relays.into_iter().map(|relay| format!("the relay {relay} has ended and kept partitions")).collect()
}
