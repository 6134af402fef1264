//! `cargo test -p swit-examples --example 06_testing`, or `cargo run -p swit-examples --example 06_testing`
//!
//! A handler with a partner that fails, and the test that holds it to its policy: the real app, on the memory transport,
//! with paused time.

use std::{
    io,
    sync::atomic::{AtomicU32, Ordering},
};

use serde::{Deserialize, Serialize};
use swit::{App, prelude::*};

/// Something to send.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "parcel.packed", version = 1)]
pub struct ParcelPacked {
    /// Which one.
    pub parcel: u32,
}

/// It is on its way.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "parcel.sent", version = 1, unrouted = "ignore")]
pub struct ParcelSent {
    /// Which one.
    pub parcel: u32,
}

/// A carrier that is out of order for its first calls.
#[derive(Debug, Default)]
pub struct Carrier {
    /// How many calls fail.
    pub failing: AtomicU32,
}

impl Carrier {
    async fn send(&self, _parcel: u32) -> io::Result<()> {
        tokio::task::yield_now().await;
        let one_less = |left: u32| left.checked_sub(1);
        match self.failing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
            Ok(_) => Err(io::Error::other("the carrier is out of order")),
            Err(_) => Ok(()),
        }
    }
}

#[subscriber(retries = 2, backoff = exponential("10s", max = "5m"))]
async fn send_parcel(packed: ParcelPacked, carrier: State<Carrier>) -> io::Result<Publish<ParcelSent>> {
    carrier.send(packed.parcel).await?;
    Ok(Publish(ParcelSent { parcel: packed.parcel }))
}

#[tokio::main]
async fn main() -> swit::Result<()> {
    let running = App::only::<(send_parcel,)>().service("parcels", "1").provide(Carrier::default()).start().await?;
    running.publisher()?.publish(&ParcelPacked { parcel: 7 }).await?;
    running.wait_quiet().await;
    running.shutdown().await
}

#[cfg(test)]
mod tests {
    use swit::testing::TestApp;

    use super::*;

    async fn with_failures(failing: u32) -> TestApp {
        let carrier = Carrier { failing: failing.into() };
        let app = TestApp::start(App::only::<(send_parcel,)>().provide(carrier)).await.unwrap();
        app.publish(&ParcelPacked { parcel: 7 }).await.unwrap();
        app.wait_quiet().await;
        app
    }

    #[tokio::test(start_paused = true)]
    async fn a_carrier_that_recovers_costs_a_retry() {
        let app = with_failures(1).await;
        assert_eq!(app.published::<ParcelSent>(), [ParcelSent { parcel: 7 }]);
        assert_eq!(app.attempts("send-parcel"), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_carrier_that_does_not_is_a_dead_letter() {
        let app = with_failures(u32::MAX).await;
        assert!(app.published::<ParcelSent>().is_empty());
        let dead = app.dead_letters("send-parcel");
        assert_eq!((dead[0].reason.as_str(), dead[0].attempts), ("max_retries_exceeded", 3));
        assert_eq!(dead[0].error, "the carrier is out of order");
    }
}
