//! One order's trace across four services on RabbitMQ, in a collector that runs as a process of its own; and what a
//! collector that is dead does to a service, which is nothing.
#![expect(clippy::unwrap_used, clippy::unused_async, reason = "tests; handlers are async whether or not they wait")]

mod rig;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use rig::Collector;
use serde::{Deserialize, Serialize};
use swit::{App, Event, Handlers, Publish, Running, State, subscriber};
use swit_collector::Line;
use swit_testbed::broker::Broker;

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.created", version = 1, unrouted = "ignore")]
struct Created {
    order: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.paid", version = 1, unrouted = "ignore")]
struct Paid {
    order: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.reserved", version = 1, unrouted = "ignore")]
struct Reserved {
    order: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.shipped", version = 1, unrouted = "ignore")]
struct Shipped {
    order: String,
}

/// Fails as often as it is told to.
#[derive(Debug)]
struct Failures(AtomicU32);

impl Failures {
    fn fail(&self) -> Result<(), std::io::Error> {
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_ok() { Err(std::io::Error::other("not now")) } else { Ok(()) }
    }
}

#[subscriber(topic = "order.created", retries = 2, backoff = fixed("50ms"))]
async fn pays(created: Created, failures: State<Failures>) -> Result<Publish<Paid>, std::io::Error> {
    failures.fail()?;
    Ok(Publish(Paid { order: created.order }))
}

#[subscriber(topic = "order.paid", retries = 2, backoff = fixed("2s"))]
async fn reserves(paid: Paid, failures: State<Failures>) -> Result<Publish<Reserved>, std::io::Error> {
    failures.fail()?;
    Ok(Publish(Reserved { order: paid.order }))
}

#[subscriber(topic = "order.reserved")]
async fn ships(reserved: Reserved) -> Publish<Shipped> {
    Publish(Shipped { order: reserved.order })
}

#[subscriber(topic = "order.shipped")]
async fn tells(_shipped: Shipped) {}

fn configured(collector: &Collector, app: App, protocol: &str) -> App {
    app.set("telemetry.exporter", "otlp")
        .set("telemetry.protocol", protocol)
        .set("telemetry.endpoint", format!("http://127.0.0.1:{}", collector.port))
        .set("telemetry.headers", "x-tenant=shop")
}

fn app<H: Handlers>(service: &str, exchange: &str, failures: u32) -> App {
    App::only::<H>()
        .service(service.to_owned(), "1.2.3")
        .provide(Failures(AtomicU32::new(failures)))
        .set("transport.default.url", Broker::shared().url())
        .set("transport.default.exchange", exchange)
        .set("service.instance", format!("{service}-0"))
}

async fn quiet(services: &[Running]) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let done = |running: &Running| running.stats().iter().all(|stats| stats.counts.succeeded >= 1);
    while !services.iter().all(done) {
        assert!(
            Instant::now() < deadline,
            "the order does not arrive: {:?}",
            services.iter().map(Running::stats).collect::<Vec<_>>()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn one_order(protocol: &str) -> Vec<Line> {
    let collector = Collector::start(&[]).await;
    let exchange = format!("traces.{protocol}");
    let name = |service: &str| format!("{service}-{protocol}");
    let services = [
        configured(&collector, app::<(pays,)>(&name("payment"), &exchange, 1), protocol),
        configured(&collector, app::<(reserves,)>(&name("stock"), &exchange, 1), protocol),
        configured(&collector, app::<(ships,)>(&name("shipping"), &exchange, 0), protocol),
        configured(&collector, app::<(tells,)>(&name("mail"), &exchange, 0), protocol),
    ];
    let mut running = Vec::new();
    for service in services {
        running.push(service.start().await.unwrap());
    }
    running[0].publisher().unwrap().publish(&Created { order: "o-1".into() }).await.unwrap();
    quiet(&running).await;
    for service in running {
        service.shutdown().await.unwrap();
    }
    collector.lines(11).await
}

fn assert_connected(lines: &[Line], protocol: &str) {
    let by = if protocol == "http" { "http" } else { "grpc" };
    assert!(lines.iter().all(|line| line.by == by && line.tenant == "shop" && line.version == "1.2.3"), "{lines:#?}");
    assert!(lines.iter().all(|line| line.instance == format!("{}-0", line.service)), "{lines:#?}");
    let traces: BTreeSet<_> = lines.iter().map(|line| &line.trace).collect();
    assert_eq!(traces.len(), 1, "{lines:#?}");
    let spans: BTreeMap<_, _> = lines.iter().map(|line| (line.span.as_str(), line)).collect();
    assert_eq!(spans.len(), lines.len());
    let roots: Vec<_> = lines.iter().filter(|line| line.parent.is_empty()).collect();
    assert_eq!(roots.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["send order.created"]);
    for line in lines.iter().filter(|line| !line.parent.is_empty()) {
        assert!(spans.contains_key(line.parent.as_str()), "{} has a parent that nobody sent: {lines:#?}", line.name);
    }
    let attempts = |queue: &str| -> Vec<&Line> {
        let name = format!("process {queue}");
        let mut found: Vec<_> = lines.iter().filter(|line| line.name == name).collect();
        found.sort_by_key(|line| line.attempt);
        found
    };
    let paid = attempts(&format!("payment-{protocol}.pays"));
    assert_eq!(
        paid.iter().map(|line| (line.attempt, line.failed)).collect::<Vec<_>>(),
        [(Some(1), true), (Some(2), false)]
    );
    assert_eq!(paid[0].destination, format!("traces.{protocol}:order.created:payment-{protocol}.pays"));
    assert_eq!(roots[0].destination, format!("traces.{protocol}:order.created"));
    let reserved = attempts(&format!("stock-{protocol}.reserves"));
    assert_eq!(reserved.iter().map(|line| line.attempt).collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert_eq!(reserved[1].links, [reserved[0].span.clone()], "the redelivery is linked to the attempt before it");
    assert_eq!(reserved[1].parent, reserved[0].parent);
    // Four publications, two attempts at two services each, one at two others, and the delayed copy.
    assert_eq!(lines.len(), 4 + 2 + 2 + 1 + 1 + 1, "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_order_is_one_trace_over_grpc() {
    assert_connected(&one_order("grpc").await, "grpc");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_order_is_one_trace_over_http() {
    assert_connected(&one_order("http").await, "http");
}

/// A collector that takes connections and says nothing, or is not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_collector_holds_nothing_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for (port, protocol) in [(silent_port, "grpc"), (silent_port, "http"), (gone, "grpc"), (gone, "http")] {
        let service = App::only::<(tells,)>()
            .service("mail", "1")
            .set("telemetry.exporter", "otlp")
            .set("telemetry.protocol", protocol)
            .set("telemetry.endpoint", format!("http://127.0.0.1:{port}"))
            .set("shutdown.drain", "2s");
        let running = service.start().await.unwrap();
        let publisher = running.publisher().unwrap();
        let began = Instant::now();
        // More than the queue holds.
        for _ in 0..3_000 {
            publisher.publish(&Shipped { order: "o-1".into() }).await.unwrap();
        }
        running.wait_quiet().await;
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        let began = Instant::now();
        running.shutdown().await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(4), "{protocol}: {:?}", began.elapsed());
    }
}
