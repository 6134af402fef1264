//! On RabbitMQ: how much lies in queues is asked of the broker, and not shown when it can't be asked.

use std::{sync::Arc, time::Duration};

use swit::{
    App, subscriber,
    transports::rabbitmq::{Address, RabbitMqOptions, RabbitMqTransport},
};
use swit_testbed::{Broker, Proxy};
use tokio::time::{Instant, sleep};

use super::page::{Page, text};
use crate::support::{Task, task};

/// Holds what it gets, one at a time.
#[subscriber(name = "metered-remote", prefetch = 1)]
async fn remote(_event: Task) {
    sleep(Duration::from_hours(1)).await;
}

/// A page on which this is so: a quorum queue says how much lies in it with some seconds' delay.
async fn until(running: &swit::Running, is_so: impl Fn(&Page) -> bool) -> Page {
    let began = Instant::now();
    loop {
        let page = Page::read(&text(running).await);
        if is_so(&page) {
            return page;
        }
        assert!(began.elapsed() < Duration::from_secs(40), "{:#?}", page.values);
        sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn depths_are_the_brokers_own_and_go_with_it() {
    let proxy = Proxy::start(("127.0.0.1", Broker::shared().port()));
    let mut options = RabbitMqOptions::new(Address::parse(&proxy.url(), false).unwrap());
    options.exchange = "metered".into();
    let transport = Arc::new(RabbitMqTransport::new("default", options));
    let app = App::only::<(remote,)>().service("metered", "1").transport(transport);
    let running = app.start().await.unwrap();
    let publisher = running.publisher().unwrap();
    for _ in 0..8 {
        publisher.publish(&task("x")).await.unwrap();
    }
    let depth = "swit_messaging_queue_depth{queue=\"metered.metered-remote\"}";
    // One is out.
    let page = until(&running, |page| page.values.get(depth) == Some(&7.0)).await;
    let lag = "consumer_lag{topic=\"task.created\",consumer_group=\"metered\",partition=\"0\"}";
    assert_eq!(page.value(lag), 7.0);
    assert_eq!(page.value("queue_depth{queue=\"metered.metered-remote.dlq\"}"), 0.0);
    assert_eq!(page.value("connection_status{transport=\"default\"}"), 1.0);
    assert!(page.value("publish_duration_seconds_count{topic=\"task.created\"}") >= 8.0);

    // It stands and says nothing: the page is there in time, and without what it knew.
    proxy.half_open();
    let page = until(&running, |page| !page.values.contains_key(depth)).await;
    assert!(!page.values.keys().any(|series| series.contains("consumer_lag")), "{:#?}", page.values);
    sleep(Duration::from_secs(5)).await;
    let began = Instant::now();
    let page = Page::read(&text(&running).await);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert!(!page.values.contains_key(depth));

    proxy.heal();
    proxy.cut();
    let page = until(&running, |page| page.values.contains_key(depth)).await;
    assert!(page.value("reconnects_total{transport=\"default\"}") >= 1.0);
    let _ = running.shutdown_within(Duration::from_secs(1)).await;
}
