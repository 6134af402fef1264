//! A service that handles one message, with the snippet of the documentation in place: its subscriber takes whatever anybody
//! opens as a span. It is told what to do by `SWIT_…` and `OTEL_…` variables, and ends with its standard input.

use swit::{App, Event, subscriber, telemetry};
use tokio::io::AsyncReadExt as _;
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, Event)]
#[event(topic = "order.created", version = 1)]
struct Created {
    order: String,
}

#[subscriber(topic = "order.created")]
#[expect(clippy::unused_async, reason = "handlers are async whether or not they wait")]
async fn pays(_created: Created) {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::registry().with(telemetry::layer()).init();
    let running = App::new().service("traced", "1.2.3").start().await?;
    running.publisher()?.publish(&Created { order: "o-1".to_owned() }).await?;
    running.wait_quiet().await;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    running.shutdown().await?;
    Ok(())
}
