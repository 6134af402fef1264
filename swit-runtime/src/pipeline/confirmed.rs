//! What middleware wants done once an attempt has succeeded and what it published is confirmed
//! ([`Context::on_confirmed`](crate::context::Context::on_confirmed)).
//!
//! Guarantee: it takes neither the worker with it, whatever it does, nor more time than an attempt may.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    task::Poll,
};

use super::Plan;
use crate::transport::BoxFuture;

/// Does it, one after the other.
pub(super) async fn run(plan: &Plan, confirmed: Vec<BoxFuture<'static, ()>>) {
    if confirmed.is_empty() {
        return;
    }
    let all = async {
        for then in confirmed {
            guarded(plan, then).await;
        }
    };
    if tokio::time::timeout(plan.receiver.timeout, all).await.is_err() {
        tracing::error!(
            subscriber = %plan.receiver.subscriber,
            timeout = ?plan.receiver.timeout,
            "what middleware does after the confirmation took too long and was given up; the message is acknowledged"
        );
    }
}

async fn guarded(plan: &Plan, then: BoxFuture<'static, ()>) {
    let mut then = Some(then);
    poll_fn(|task| {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let polled = then.as_mut().map_or(Poll::Ready(()), |future| future.as_mut().poll(task));
            if polled.is_ready() {
                // Dropping may panic as well.
                then = None;
            }
            polled
        }));
        polled.unwrap_or_else(|payload| {
            tracing::error!(
                subscriber = %plan.receiver.subscriber,
                "what middleware does after the confirmation panicked; the message is acknowledged"
            );
            // Neither what panicked nor what it panicked with is trusted to be dropped.
            std::mem::forget((then.take(), payload));
            Poll::Ready(())
        })
    })
    .await;
}
