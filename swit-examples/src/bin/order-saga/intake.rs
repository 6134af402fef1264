//! Intake: from lines to orders, a batch a transaction. What is no valid order, and what repeats an id, has its outcome at
//! once; of each other line its order is published, in the same transaction.
//!
//! A batch that is tried again, since nobody knows whether it was committed, finds its lines there and does nothing.

use std::time::Duration;

use swit::{Publisher, Statement, StoreError, Transaction};
use swit_orders::{
    input::{LONGEST_LINE, Line},
    order::{self, InvalidLine},
};
use tokio::time;

use super::{
    books::{self, Books, Outcome, now},
    error::NotDone,
    events::{OrderKey, OrderPlaced},
    publishers::OrderPlacedPublisher,
};

/// How often a batch is tried again, and how long after.
const AGAIN: u32 = 100;
const AFTER: Duration = Duration::from_millis(250);

/// Takes lines in.
#[derive(Debug)]
pub(crate) struct Intake {
    books: Books,
    orders: Publisher<OrderPlacedPublisher>,
    /// Lines up to this one are in.
    last: u64,
}

impl Intake {
    /// Goes on behind what is in.
    ///
    /// # Errors
    /// What the database said.
    pub(crate) async fn new(books: Books, orders: Publisher<OrderPlacedPublisher>) -> Result<Self, StoreError> {
        let last = books.last().await?;
        Ok(Self { books, orders, last })
    }

    /// Takes those of these lines in that are not.
    ///
    /// # Errors
    /// What the database said, again and again.
    pub(crate) async fn take(&mut self, lines: &[Line]) -> Result<(), NotDone> {
        let new = &lines[lines.partition_point(|line| line.number <= self.last)..];
        let Some(last) = new.last() else { return Ok(()) };
        let mut tries = 0;
        while let Err(error) = self.commit(new).await {
            if tries == AGAIN {
                return Err(error);
            }
            tries += 1;
            tracing::info!(%error, tries, "lines were not taken in, and are taken again");
            time::sleep(AFTER).await;
        }
        self.last = last.number;
        Ok(())
    }

    async fn commit(&self, lines: &[Line]) -> Result<(), NotDone> {
        let mut tx = self.books.database().begin().await?;
        for line in lines {
            self.take_one(&mut tx, line).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn take_one(&self, tx: &mut Transaction, line: &Line) -> Result<(), NotDone> {
        let place = self.books.line(line.number);
        let open = "INSERT INTO line (input, number, read_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        if tx.execute(Statement::new(open).bind(&place.input).bind(place.number).bind(now())).await? == 0 {
            return Ok(());
        }
        let (order, total) = match read(line) {
            Ok(read) => read,
            Err(invalid) => {
                let outcome = Outcome::DeadLettered("invalid_input".to_owned());
                return Ok(books::turn_away(tx, &place, &outcome, Some(&invalid.to_string())).await?);
            }
        };
        let placed = OrderPlaced {
            order: OrderKey::from(&order.order_id),
            line: place,
            total,
            labels: order.labels(),
            items: order.items,
            currency: order.currency,
            payment: order.payment,
        };
        let content = serde_json::to_string(&placed)
            .map_err(|source| StoreError::Refused { doing: "writing an order as JSON", source: source.into() })?;
        let place = "INSERT INTO placed_order (order_id, input, number, content) VALUES ($1, $2, $3, $4)
                     ON CONFLICT DO NOTHING";
        let row = Statement::new(place).bind(placed.order.as_str()).bind(&placed.line.input).bind(placed.line.number);
        if tx.execute(row.bind(content)).await? == 0 {
            return Ok(books::turn_away(tx, &placed.line, &Outcome::Duplicate, None).await?);
        }
        self.orders.publish_in(tx, &placed).await?;
        Ok(())
    }
}

fn read(line: &Line) -> Result<(order::Order, order::Money), InvalidLine> {
    if line.is_cut() {
        return Err(InvalidLine::TooLong { bytes: line.bytes, limit: LONGEST_LINE });
    }
    let order = order::read(&line.body)?;
    let total = order.total().map_err(InvalidLine::Total)?;
    Ok((order, total))
}
