//! The carriers: they book one parcel an order, and say so.

use swit::{Publisher, Statement, Tx, subscriber};
use swit_orders::partners;

use super::{
    error::NotDone,
    events::{ShippingBooked, ShippingRequested},
    publishers::ShippingBookedPublisher,
};

/// Books a parcel. Asked again, which only [`again`](super::again) does, it says the same again.
#[subscriber(
    topic = "shipping.requested",
    inbox,
    concurrency = 8,
    prefetch = 256,
    retries = 100,
    backoff = fixed("100ms")
)]
pub(crate) async fn book_parcel(
    asked: ShippingRequested,
    mut tx: Tx,
    booked: Publisher<ShippingBookedPublisher>,
) -> Result<(), NotDone> {
    let carrier = partners::carrier(asked.region);
    let book = "INSERT INTO parcel (order_id, carrier) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    tx.execute(Statement::new(book).bind(asked.order.as_str()).bind(carrier)).await?;
    booked.publish_in(&mut tx, &ShippingBooked { order: asked.order, carrier: carrier.to_owned() }).await?;
    Ok(())
}
