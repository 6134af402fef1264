//! Middleware that runs anyway.

use swit::prelude::*;

#[middleware]
async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

swit::composite!(orders, strategy = parallel, topic = "order.created", middleware = [audit]);

fn main() {}
