//! The payment partner, with a ledger of its own: it is written outside of the saga's transactions, so that nobody knows
//! whether it was, when a process dies in between, or when its client crashes. It does once what it is asked under one
//! reference.

use std::sync::atomic::{AtomicU64, Ordering};

use swit::{Database, Statement, StoreError, provider};
use swit_orders::{
    order::{Currency, Money},
    partners::{self, Charge, PaymentError},
};

/// The payment partner.
#[derive(Debug)]
pub(crate) struct Bank {
    ledger: Database,
    asked_again: AtomicU64,
}

/// Opens the way to it.
#[provider]
#[expect(clippy::unused_async, reason = "a provider is async, whether or not it waits")]
pub(crate) async fn open_bank(ledger: Database) -> Result<Bank, std::convert::Infallible> {
    Ok(Bank { ledger, asked_again: AtomicU64::new(0) })
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// The partner gave none.
    #[error(transparent)]
    Partner(#[from] PaymentError),
    /// Its ledger did not.
    #[error(transparent)]
    Ledger(#[from] StoreError),
}

impl Bank {
    /// Asks for an amount; `attempt` counts from 1 ([`partners::charge`]).
    ///
    /// # Errors
    /// There is no answer, though it may be paid.
    ///
    /// # Panics
    /// As a client with a bug would.
    pub(crate) async fn charge(
        &self,
        reference: &str,
        (amount, currency): (Money, &Currency),
        token: &str,
        attempt: u32,
    ) -> Result<Charge, NoAnswer> {
        if attempt > 1 {
            self.asked_again.fetch_add(1, Ordering::Relaxed);
        }
        let paid = "INSERT INTO charge (reference, amount, currency) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let paid = Statement::new(paid).bind(reference).bind(amount.to_string()).bind(currency.as_str());
        if partners::crashes(token) {
            // At the worst moment: it is paid, and nobody hears of it.
            self.write(paid.clone()).await?;
        }
        let answer = partners::charge(token, attempt)?;
        if answer == Charge::Paid {
            self.write(paid).await?;
        }
        Ok(answer)
    }

    /// Gives back what was paid under this reference; nothing, if nothing was.
    ///
    /// # Errors
    /// There is no answer, though it may be given back.
    pub(crate) async fn refund(&self, reference: &str) -> Result<(), StoreError> {
        let refund = "INSERT INTO refund (reference) SELECT reference FROM charge WHERE reference = $1
                      ON CONFLICT DO NOTHING";
        self.write(Statement::new(refund).bind(reference)).await
    }

    /// How often this process asked again for what it got no answer to.
    pub(crate) fn asked_again(&self) -> u64 {
        self.asked_again.load(Ordering::Relaxed)
    }

    async fn write(&self, statement: Statement<'_>) -> Result<(), StoreError> {
        let mut tx = self.ledger.begin().await?;
        tx.execute(statement).await?;
        tx.commit().await
    }
}
