//! `cargo run --release -p swit-examples --bin order-service -- swit-examples/data/orders.jsonl`
//!
//! Takes orders through a whole flow by events, and accounts for every line; `--help` says more.

use std::process::ExitCode;

swit::handlers!(swit_examples);

#[tokio::main]
async fn main() -> ExitCode {
    swit_examples::order_service::command::main().await
}
