//! Batch handlers: how batches fill, and what becomes of each message.

mod ending;
mod filling;
mod outcomes;
mod property;
mod suspects;

use std::sync::Mutex;

use swit::{Batch, testing::TestApp};

use crate::support::{Task, keyed};

/// The texts of each batch, in the order of the calls.
#[derive(Debug, Default)]
pub(super) struct Calls(Mutex<Vec<Vec<String>>>);

impl Calls {
    /// Notes a call; says which it is, from 1.
    pub(super) fn note(&self, items: &Batch<Task>) -> usize {
        let mut calls = self.0.lock().unwrap();
        calls.push(items.values().map(|task| task.text.clone()).collect());
        calls.len()
    }

    pub(super) fn texts(&self) -> Vec<Vec<String>> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn sizes(&self) -> Vec<usize> {
        self.texts().iter().map(Vec::len).collect()
    }
}

/// Publishes tasks with these numbers as texts.
pub(super) async fn publish(app: &TestApp, numbers: std::ops::Range<usize>) {
    for n in numbers {
        app.publish(&keyed("k", n.to_string())).await.unwrap();
    }
}
