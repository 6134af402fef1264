//! A process of a fault test. What it is, its environment says; see `swit_faults::role`.

#[tokio::main]
async fn main() -> swit::Result<()> {
    swit_faults::role::play().await
}
