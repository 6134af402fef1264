//! The saga: an order is opened, reserved, paid, shipped and confirmed, or everything that was done for it is undone.
//!
//! All steps but one write in the transaction that ends them: an effect and that it was had are one commit. The payment
//! partner stands outside of it; it is given a key under which it charges once, and its compensation asks it to give back
//! whatever there is, since nobody may know.

use serde::{Deserialize, Serialize};
use swit::{
    Classify, Metadata, Publisher, State, Statement, StoreError, Tx, saga,
    sagas::{Cause, IdempotencyKey, Undoing},
};
use swit_orders::partners::{self, Charge, PaymentError};

use super::{
    bank::{Bank, NoAnswer},
    books::{self, Outcome},
    error::NotDone,
    events::{OrderCancelled, OrderConfirmed, OrderKey, OrderPlaced, ShippingBooked, ShippingRequested},
    publishers::{OrderCancelledPublisher, OrderConfirmedPublisher, ShippingRequestedPublisher},
};

/// An order on its way.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PlaceOrder {
    placed: OrderPlaced,
}

/// Why nothing is reserved.
#[derive(Debug, thiserror::Error, Classify)]
pub(crate) enum ReserveError {
    /// An article is not there.
    #[error("`{0}` is out of stock")]
    #[class(permanent)]
    OutOfStock(String),
    /// It is not known whether it is.
    #[error(transparent)]
    #[class(from)]
    NotDone(#[from] NotDone),
}

/// Why it is not paid.
#[derive(Debug, thiserror::Error, Classify)]
pub(crate) enum ChargeError {
    /// The partner said no.
    #[error("the payment was declined")]
    #[class(permanent)]
    Declined,
    /// The partner said nothing.
    #[error(transparent)]
    #[class(from)]
    Partner(#[from] PaymentError),
    /// Its ledger did not.
    #[error("the partner's ledger: {0}")]
    #[class(system_failure, retries = 100, backoff = exponential("50ms", max = "5s"))]
    Ledger(StoreError),
}

impl From<NoAnswer> for ChargeError {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::Partner(error) => Self::Partner(error),
            NoAnswer::Ledger(error) => Self::Ledger(error),
        }
    }
}

/// What a payment is known by.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Receipt {
    reference: String,
}

#[saga(key = order_key, concurrency = 64)]
impl PlaceOrder {
    #[start(topic = "order.placed", concurrency = 8, prefetch = 256, retries = 100, backoff = fixed("100ms"))]
    fn begin(placed: OrderPlaced) -> Self {
        Self { placed }
    }

    /// From here on the order has an end to be told: undone last, it is cancelled.
    #[step(compensate = cancel)]
    #[expect(clippy::unused_async, reason = "a step is async, whether or not it waits")]
    async fn open(&self) -> Result<(), NotDone> {
        Ok(())
    }

    #[compensation]
    async fn cancel(
        &self,
        why: Undoing,
        mut tx: Tx,
        cancelled: Publisher<OrderCancelledPublisher>,
    ) -> Result<(), NotDone> {
        let outcome = outcome(&why);
        let reason = outcome.reason().unwrap_or_default().to_owned();
        self.note(&mut tx, "INSERT INTO cancellation (order_id, reason) VALUES ($1, $2)", Some(&reason)).await?;
        books::close(&mut tx, &self.placed, &outcome, why.error.as_deref()).await?;
        cancelled.publish_in(&mut tx, &OrderCancelled { order: self.order_key().clone(), reason }).await?;
        Ok(())
    }

    /// Keeps for it what was ordered.
    #[step(compensate = release)]
    async fn reserve(&self, mut tx: Tx) -> Result<(), ReserveError> {
        if let Some(sku) = partners::out_of_stock(&self.placed.items) {
            return Err(ReserveError::OutOfStock(sku.to_string()));
        }
        self.count(&mut tx, "INSERT INTO reservation (order_id, articles) VALUES ($1, $2)").await?;
        Ok(())
    }

    #[compensation]
    async fn release(&self, mut tx: Tx) -> Result<(), NotDone> {
        self.count(&mut tx, "INSERT INTO released_reservation (order_id, articles) VALUES ($1, $2)").await
    }

    /// Asks the payment partner, who is the one that fails.
    #[step(compensate = refund, idempotency_key = payment_reference, retries = 3, backoff = fixed("50ms"))]
    async fn charge(&self, bank: State<Bank>, key: IdempotencyKey, this: Metadata) -> Result<Receipt, ChargeError> {
        let OrderPlaced { total, currency, payment, .. } = &self.placed;
        match bank.charge(&key, (*total, currency), &payment.token, this.attempt).await? {
            Charge::Paid => Ok(Receipt { reference: key.to_string() }),
            Charge::Declined => Err(ChargeError::Declined),
        }
    }

    /// Nobody may know whether it was paid: the partner does.
    #[compensation]
    async fn refund(&self, #[output] receipt: Option<Receipt>, bank: State<Bank>) -> Result<(), NotDone> {
        let reference = receipt.map_or_else(|| self.payment_reference(), |receipt| receipt.reference);
        Ok(bank.refund(&reference).await?)
    }

    /// Asks for a carrier.
    #[step(compensate = recall)]
    async fn request_shipping(
        &self,
        mut tx: Tx,
        requests: Publisher<ShippingRequestedPublisher>,
    ) -> Result<(), NotDone> {
        self.note(&mut tx, "INSERT INTO shipping_request (order_id) VALUES ($1)", None).await?;
        let asked = ShippingRequested { order: self.order_key().clone(), region: self.placed.labels.region };
        requests.publish_in(&mut tx, &asked).await?;
        Ok(())
    }

    #[compensation]
    async fn recall(&self, mut tx: Tx) -> Result<(), NotDone> {
        self.note(&mut tx, "INSERT INTO recalled_shipping (order_id) VALUES ($1)", None).await
    }

    /// A carrier has it.
    #[wait(
        topic = "shipping.booked",
        key = order,
        within = "1h",
        no_compensation,
        concurrency = 8,
        prefetch = 256,
        retries = 100,
        backoff = fixed("100ms")
    )]
    async fn ship(&self, booked: ShippingBooked, mut tx: Tx) -> Result<String, NotDone> {
        let shipped = "INSERT INTO shipment (order_id, carrier) VALUES ($1, $2)";
        self.note(&mut tx, shipped, Some(&booked.carrier)).await?;
        Ok(booked.carrier)
    }

    /// It went through.
    #[step(no_compensation)]
    async fn confirm(
        &self,
        #[output(ship)] carrier: String,
        mut tx: Tx,
        confirmed: Publisher<OrderConfirmedPublisher>,
    ) -> Result<(), NotDone> {
        self.note(&mut tx, "INSERT INTO confirmation (order_id) VALUES ($1)", None).await?;
        books::close(&mut tx, &self.placed, &Outcome::Completed, None).await?;
        confirmed.publish_in(&mut tx, &OrderConfirmed { order: self.order_key().clone(), carrier }).await?;
        Ok(())
    }

    fn order_key(&self) -> &OrderKey {
        &self.placed.order
    }

    fn payment_reference(&self) -> String {
        self.order_key().to_string()
    }

    /// Writes a row about the order, with a text beside its id.
    async fn note(&self, tx: &mut Tx, insert: &'static str, text: Option<&str>) -> Result<(), NotDone> {
        let row = Statement::new(insert).bind(self.order_key().as_str());
        tx.execute(match text {
            Some(text) => row.bind(text),
            None => row,
        })
        .await?;
        Ok(())
    }

    /// Writes a row about the order, with how many articles it has.
    async fn count(&self, tx: &mut Tx, insert: &'static str) -> Result<(), NotDone> {
        let articles = i64::try_from(self.placed.items.len()).unwrap_or(i64::MAX);
        tx.execute(Statement::new(insert).bind(self.order_key().as_str()).bind(articles)).await?;
        Ok(())
    }
}

/// How an order ends that is undone: a step that decides against it does so for good, one that can't be done is given up.
fn outcome(why: &Undoing) -> Outcome {
    let (step, reason) = (why.step.as_deref().unwrap_or_default(), why.reason.as_deref().unwrap_or_default());
    match (why.cause, step, reason) {
        (Cause::Failed, "reserve", "permanent") => Outcome::Rejected("out_of_stock"),
        (Cause::Failed, "charge", "permanent") => Outcome::Rejected("payment_declined"),
        (Cause::Cancelled | Cause::Asked, ..) => Outcome::Rejected("cancelled"),
        (Cause::TimedOut, ..) => Outcome::DeadLettered("timed_out".to_owned()),
        _ => Outcome::DeadLettered(reason.to_owned()),
    }
}
