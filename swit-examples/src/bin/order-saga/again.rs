//! What the embedded transport forgot when its process was killed is said again: of each order that has no outcome, whatever
//! would bring it on. Whoever hears it knows what is done already, so that to say too much does no harm.
//!
//! A broker forgets nothing, and there nothing is said again.

use swit::{Publisher, Running, Statement, StoreError, Transaction};

use super::{
    error::NotDone,
    events::{OrderPlaced, ShippingBooked, ShippingRequested},
    publishers::{OrderPlacedPublisher, ShippingBookedPublisher, ShippingRequestedPublisher},
    service::RunError,
};

/// So many orders a transaction.
const BATCH: usize = 256;

/// Orders without an outcome, with how far they have come.
const UNDERWAY: &str = "SELECT o.order_id, o.content,
        (SELECT count(*) FROM shipping_request r WHERE r.order_id = o.order_id),
        (SELECT p.carrier FROM parcel p WHERE p.order_id = o.order_id)
     FROM placed_order o
     WHERE o.order_id > $1
        AND NOT EXISTS (SELECT 1 FROM outcome e WHERE e.input = o.input AND e.number = o.number)
     ORDER BY o.order_id LIMIT 256";

struct Voices {
    placed: Publisher<OrderPlacedPublisher>,
    requested: Publisher<ShippingRequestedPublisher>,
    booked: Publisher<ShippingBookedPublisher>,
}

/// Says it all again.
///
/// # Errors
/// What the database said.
pub(crate) async fn say(running: &Running) -> Result<(), RunError> {
    let Some(database) = running.database() else { return Ok(()) };
    let voices =
        Voices { placed: running.publisher_of()?, requested: running.publisher_of()?, booked: running.publisher_of()? };
    let (mut behind, mut said) = (String::new(), 0_usize);
    loop {
        let mut tx = database.begin().await?;
        let rows = tx.fetch(Statement::new(UNDERWAY).bind(&behind)).await?;
        for row in &rows {
            behind = row.text(0)?.to_string();
            let read = serde_json::from_str(&row.text(1)?);
            let placed =
                read.map_err(|source| StoreError::Refused { doing: "reading an order", source: source.into() })?;
            let is_requested = row.integer(2)? > 0;
            let carrier = row.optional_text(3)?.map(|carrier| carrier.to_string());
            voices.say(&mut tx, placed, is_requested, carrier).await?;
        }
        tx.commit().await?;
        said += rows.len();
        if rows.len() < BATCH {
            break;
        }
    }
    if said > 0 {
        tracing::info!(orders = said, "orders were under way; they are gone on with");
    }
    Ok(())
}

impl Voices {
    async fn say(
        &self,
        tx: &mut Transaction,
        placed: OrderPlaced,
        is_requested: bool,
        carrier: Option<String>,
    ) -> Result<(), NotDone> {
        let (order, region) = (placed.order.clone(), placed.labels.region);
        match carrier {
            Some(carrier) => self.booked.publish_in(tx, &ShippingBooked { order, carrier }).await?,
            None if is_requested => self.requested.publish_in(tx, &ShippingRequested { order, region }).await?,
            None => self.placed.publish_in(tx, &placed).await?,
        };
        Ok(())
    }
}
