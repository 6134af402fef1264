//! What middleware wants done once an attempt has succeeded and what it published is confirmed
//! ([`Context::on_confirmed`](crate::context::Context::on_confirmed)).
//!
//! Guarantee: it takes neither the worker with it, whatever it does, nor more time than an attempt may.

use super::Plan;
use crate::{context::Context, said::about, transport::BoxFuture, walled::walled};

/// Does it, one after the other.
pub(super) async fn run(plan: &Plan, cx: &Context, confirmed: Vec<BoxFuture<'static, ()>>) {
    if confirmed.is_empty() {
        return;
    }
    let all = async {
        for then in confirmed {
            if walled(|| then).await.is_none() {
                about!(
                    error,
                    cx.message(),
                    trace = plan.scope.trace_of(cx.message()),
                    { subscriber = %plan.receiver.subscriber, attempt = cx.attempt() },
                    "what middleware does after the confirmation panicked; the message is acknowledged"
                );
            }
        }
    };
    if tokio::time::timeout(plan.receiver.timeout, all).await.is_err() {
        about!(
            error,
            cx.message(),
            trace = plan.scope.trace_of(cx.message()),
            {
                subscriber = %plan.receiver.subscriber,
                attempt = cx.attempt(),
                timeout = ?plan.receiver.timeout
            },
            "what middleware does after the confirmation took too long and was given up; the message is acknowledged"
        );
    }
}
