//! What is outside of any database: it does each thing once per key, as a payment provider would, and one that was taken back is
//! not done any more.

use std::{collections::BTreeMap, sync::Mutex};

use crate::world::lock;

/// What was done under one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Whose it is.
    pub(crate) order: String,
    /// The step of it.
    pub(crate) step: &'static str,
    /// When it was done.
    pub(crate) done: Option<u64>,
    /// When it was taken back.
    pub(crate) undone: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<BTreeMap<String, Account>>);

impl Ledger {
    /// Does a thing. Says whether it stands.
    pub(crate) fn act(&self, key: &str, order: &str, step: &'static str, at: u64) -> bool {
        let mut accounts = lock(&self.0);
        let account = of(&mut accounts, key, order, step);
        if account.undone.is_none() {
            account.done.get_or_insert(at);
        }
        account.undone.is_none()
    }

    /// Takes a thing back, done or not: it can't be done any more.
    pub(crate) fn take_back(&self, key: &str, order: &str, step: &'static str, at: u64) {
        let mut accounts = lock(&self.0);
        of(&mut accounts, key, order, step).undone.get_or_insert(at);
    }

    /// All accounts of an order, by their keys.
    pub(crate) fn accounts(&self, order: &str) -> Vec<Account> {
        lock(&self.0).values().filter(|account| account.order == order).cloned().collect()
    }
}

fn of<'a>(accounts: &'a mut BTreeMap<String, Account>, key: &str, order: &str, step: &'static str) -> &'a mut Account {
    let account = accounts.entry(key.to_owned()).or_default();
    order.clone_into(&mut account.order);
    account.step = step;
    account
}
