//! How long a message is under way at a thousand a second: from the call that publishes it to the call of its handler.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use lapin::options::BasicAckOptions;
use swit::{State, subscriber, transports::rabbitmq::QueueKind};
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    effort::Effort,
    hand::{self, Outlet},
    median::Samples,
    node::Node,
    order::{self, Order},
    place::Place,
    report::Report,
};

const EVERY: Duration = Duration::from_millis(1);

/// Since the benchmark began, in microseconds; it travels as the order's number.
fn now() -> u64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(BEGAN.get_or_init(Instant::now).elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// What was measured of one contender.
#[derive(Debug, Default)]
pub(crate) struct Meter(Mutex<Vec<u64>>);

impl Meter {
    fn note(&self, order: &Order) {
        let took = now().saturating_sub(order::number(order));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(took);
    }

    fn take(&self) -> Vec<u64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[subscriber(topic = "order.created")]
pub(crate) async fn note_time(order: Order, meter: State<Meter>) {
    meter.note(&order);
}

pub(crate) async fn measure(node: &Node, effort: &Effort, report: &mut Report) {
    // Places of their own, so that both stay connected all the time.
    let (ours, theirs) =
        (Place::new(node, "latency", QueueKind::Quorum), Place::new(node, "latency-hand", QueueKind::Quorum));
    let meter = Arc::new(Meter::default());
    start(&theirs, &meter).await.shutdown().await.expect("it stops");
    let service = start(&ours, &meter).await;
    let publisher = service.publisher().expect("there is a default transport");

    let connection = node.connect().await;
    let mut outlet = Outlet::open(&connection, &theirs.name, "order.created").await;
    let by_hand = Arc::new(Meter::default());
    let consuming = tokio::spawn(consume(node.connect().await, theirs.queue("note-time"), by_hand.clone()));

    let mut samples: [Samples; 2] = Default::default();
    for round in effort.all_rounds() {
        let mut publishing = FuturesUnordered::new();
        let mut ticking = interval(EVERY);
        ticking.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let began = Instant::now();
        while began.elapsed() < effort.second {
            ticking.tick().await;
            publishing.push(outlet.publish(&order::numbered(now())).await);
        }
        while publishing.next().await.is_some() {}
        drain(&by_hand, round, &mut samples[0]).await;

        let mut publishing = Vec::new();
        ticking.reset();
        let began = Instant::now();
        while began.elapsed() < effort.second {
            ticking.tick().await;
            publishing.push(publisher.publish(&order::numbered(now())));
        }
        for confirmation in publishing {
            confirmation.await.expect("it is confirmed");
        }
        drain(&meter, round, &mut samples[1]).await;
    }
    service.shutdown().await.expect("it stops");
    consuming.abort();
    // A channel that is being dropped may make it say that it is closing already.
    let _ = connection.close(200, "".into()).await;
    let [hand, swit] = &samples;
    report.add("p50_ms_at_1000", swit.quantile(0.5), "ms end to end at 1,000/s, swit, median");
    report.add("p99_ms_at_1000", swit.quantile(0.99), "ms end to end at 1,000/s, swit, 99th percentile");
    report.add("hand_p50_ms_at_1000", hand.quantile(0.5), "ms, plain lapin on both sides, median");
    report.add("hand_p99_ms_at_1000", hand.quantile(0.99), "ms, plain lapin on both sides, 99th percentile");
}

async fn start(place: &Place, meter: &Arc<Meter>) -> swit::Running {
    let app = swit::App::only::<(note_time,)>().service(place.name.clone(), "1.0.0").provide_shared(Arc::clone(meter));
    app.transport(Arc::new(place.transport())).start().await.expect("the service starts")
}

async fn consume(connection: lapin::Connection, queue: String, meter: Arc<Meter>) {
    let channel = connection.create_channel().await.expect("a channel");
    let mut consumer = hand::consumer(&channel, &queue).await;
    while let Some(Ok(delivery)) = consumer.next().await {
        meter.note(&serde_json::from_slice(&delivery.data).expect("an order"));
        delivery.ack(BasicAckOptions::default()).await.expect("the channel lives");
    }
}

/// Lets the last ones come, then takes what was measured.
async fn drain(meter: &Meter, round: usize, samples: &mut Samples) {
    tokio::time::sleep(Duration::from_millis(200)).await;
    for micros in meter.take() {
        samples.add(round, micros as f64 / 1e3);
    }
}
