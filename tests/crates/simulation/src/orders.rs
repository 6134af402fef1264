//! What the service does beside its saga: subscribers with inboxes, which count each message that they handle in the store.
//!
//! ```text
//! order.created → place → order.noted → note
//!                   └ saga: reserve → order.reserved → pack → order.packed → packed_arrives → saga: packed
//!                           ship → order.shipped → ships
//! ```

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use swit::{BoxError, Event, Metadata, Publish, State, Tx, subscriber};
use swit_runtime::saga::{Arrived, Choreographed, SagaError, Sagas, States};

use crate::{
    process::Process,
    trip::{Ending, Trip},
};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = order)]
pub(crate) struct Created {
    pub(crate) order: String,
    pub(crate) ending: Ending,
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.noted", key = order)]
pub(crate) struct Noted {
    pub(crate) order: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.reserved", key = order)]
pub(crate) struct Reserved {
    pub(crate) order: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.packed", key = order)]
pub(crate) struct Packed {
    pub(crate) order: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.shipped", key = order)]
pub(crate) struct Shipped {
    pub(crate) order: String,
}

/// How often a message's effect was had, by subscriber and message id: the service's business table.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Handled {
    pub(crate) times: u32,
}

impl Choreographed for Handled {
    const NAME: &'static str = "handled";
}

/// How many orders were placed, all of them in one row: whoever is late reads it again.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) messages: u32,
}

impl Choreographed for Placed {
    const NAME: &'static str = "placed";
}

/// The key of a message's effect.
pub(crate) fn place_of(subscriber: &str, id: &str) -> String {
    format!("{subscriber}/{id}")
}

async fn handle(
    subscriber: &'static str,
    meta: &Metadata,
    process: &Process,
    handled: &States<Handled>,
    tx: &mut Tx,
) -> Result<(), BoxError> {
    process.note(format_args!("{subscriber} handles {}, attempt {}", meta.id, meta.attempt));
    let id = meta.id.to_string();
    process.world.was_delivered(subscriber, id.clone());
    let mut effect = handled.load_or_default(tx, &place_of(subscriber, &id)).await?;
    effect.times += 1;
    handled.save(tx, effect).await?;
    Ok(())
}

#[subscriber(topic = "order.created", inbox, retries = 100, backoff = fixed("500ms"))]
pub(crate) async fn place(
    event: Created,
    meta: Metadata,
    process: State<Arc<Process>>,
    handled: States<Handled>,
    placed: States<Placed>,
    sagas: Sagas<Trip>,
    mut tx: Tx,
) -> Result<Publish<Noted>, BoxError> {
    handle("place", &meta, &process, &handled, &mut tx).await?;
    let mut all = placed.load_or_default(&mut tx, "all").await?;
    all.messages += 1;
    placed.save(&mut tx, all).await?;
    sagas.start_in(&mut tx, &Trip { order: event.order.clone(), ending: event.ending }).await?;
    Ok(Publish(Noted { order: event.order }))
}

#[subscriber(topic = "order.noted", inbox, retries = 100, backoff = fixed("500ms"))]
pub(crate) async fn note(
    event: Noted,
    meta: Metadata,
    process: State<Arc<Process>>,
    handled: States<Handled>,
    mut tx: Tx,
) -> Result<(), BoxError> {
    let _ = event;
    handle("note", &meta, &process, &handled, &mut tx).await
}

#[subscriber(topic = "order.reserved", inbox, retries = 100, backoff = fixed("500ms"))]
pub(crate) async fn pack(
    event: Reserved,
    meta: Metadata,
    process: State<Arc<Process>>,
    handled: States<Handled>,
    mut tx: Tx,
) -> Result<Publish<Packed>, BoxError> {
    handle("pack", &meta, &process, &handled, &mut tx).await?;
    Ok(Publish(Packed { order: event.order }))
}

/// Brings the event to the saga, as its macro would.
#[subscriber(topic = "order.packed", inbox, retries = 100, backoff = fixed("500ms"))]
pub(crate) async fn packed_arrives(
    event: Packed,
    meta: Metadata,
    process: State<Arc<Process>>,
    handled: States<Handled>,
    sagas: Sagas<Trip>,
    mut tx: Tx,
    arrived: Arrived,
) -> Result<(), BoxError> {
    handle("packed-arrives", &meta, &process, &handled, &mut tx).await?;
    match sagas.deliver_in(&mut tx, "packed", &event.order, arrived).await {
        // It was undone before.
        Err(SagaError::Ended { .. }) => {
            process.world.was_late(event.order);
            Ok(())
        }
        delivered => Ok(delivered?),
    }
}

#[subscriber(topic = "order.shipped", inbox, retries = 100, backoff = fixed("500ms"))]
pub(crate) async fn ships(
    event: Shipped,
    meta: Metadata,
    process: State<Arc<Process>>,
    handled: States<Handled>,
    mut tx: Tx,
) -> Result<(), BoxError> {
    let _ = event;
    handle("ships", &meta, &process, &handled, &mut tx).await
}
