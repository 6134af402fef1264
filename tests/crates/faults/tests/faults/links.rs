//! Links that are cut, dead or slow.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use swit::{
    Backoff, Message, MessageId, PublishError,
    transport::{ConnectionState, Publication, Queue, SubscribeOptions, Transport, Verdict},
    transports::rabbitmq::{Address, RabbitMqOptions, RabbitMqTransport},
};
use swit_faults::{Conduct, rig::HEALING};
use swit_testbed::{
    Broker, Proxy,
    folder::Folder,
    ledger::{Effects, Ledger, Record},
    proxy::Direction,
};

use crate::{
    rig,
    steps::{end, endless_producer, explains_duplicates, resumes_within, seeded},
};

/// Connects, without heartbeats that would mix with what is counted.
pub(crate) async fn connect(url: &str) -> Arc<dyn Transport> {
    let mut options = RabbitMqOptions::new(Address::parse(url, false).unwrap());
    options.heartbeat = Duration::from_mins(10);
    // Links are cut again and again here.
    options.reconnect = Backoff::fixed(Duration::from_millis(20));
    let transport = RabbitMqTransport::new("default", options);
    transport.connect().await.unwrap();
    Arc::new(transport)
}

/// Waits until every connection stands, for the so-manieth time.
async fn connected(transport: &dyn Transport, reconnects: u64) {
    for mut status in transport.status() {
        let stands =
            status.wait_for(|status| status.state == ConnectionState::Connected && status.reconnects >= reconnects);
        let Ok(stands) = tokio::time::timeout(HEALING, stands).await else { panic!("it does not connect again") };
        stands.unwrap();
    }
}

/// Fault 6: the link is cut after each byte of a publication, its frames' first and last included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_cut_after_any_byte_of_a_publication_loses_and_invents_nothing() {
    let broker = Broker::start();
    let proxy = Proxy::start(("127.0.0.1", broker.port()));
    let folder = Folder::temporary("cuts");
    let ledger = Ledger::open(folder.path().join("ledger"));
    let direct = connect(&broker.url()).await;
    direct.declare(&[Queue::subscriber("q", ["t"])]).await.unwrap();
    let transport = connect(&proxy.url()).await;
    let publish = async |number: u64| {
        let name = format!("cut-{number:04}");
        let message = Message::new("t", "the body").with_id(MessageId::parse(&name).unwrap());
        transport.publisher().publish(Publication::new(message)).await
    };
    let name = |number: u64| format!("cut-{number:04}");

    // The first opens its channel; the second is as long as all others.
    let mut length = 0;
    for number in 0..2 {
        ledger.attempted(&name(number));
        let before = proxy.passed(Direction::ToBroker);
        publish(number).await.unwrap();
        ledger.confirmed(&name(number));
        // What is confirmed has passed, unless that was broken on purpose.
        tokio::time::sleep(Duration::from_millis(100)).await;
        length = proxy.passed(Direction::ToBroker) - before;
    }
    assert!((100..1_000).contains(&length), "a publication of {length} bytes?");
    for cut_after in 0..=length {
        let number = cut_after + 2;
        ledger.attempted(&name(number));
        proxy.cut_after(Direction::ToBroker, cut_after);
        let mut tries = 0;
        loop {
            tries += 1;
            match publish(number).await {
                Ok(receipt) => {
                    assert!(receipt.routed);
                    break ledger.confirmed(&name(number));
                }
                Err(PublishError::Lost { .. } | PublishError::Timeout { .. }) => ledger.unknown(&name(number)),
                Err(error) => panic!("{error}"),
            }
            assert!(tries < 10, "cut after {cut_after} bytes, it is never confirmed");
        }
        // The cut ended the connection for consuming too; its greeting is not to count as part of the next publication.
        connected(&*transport, cut_after + 1).await;
    }
    transport.close().await;

    let subscription = direct.subscribe(SubscribeOptions::new("q", "reader", 100)).await.unwrap();
    while broker.queue_depth("q").unwrap() > 0 {
        let next = std::future::poll_fn(|task| subscription.poll_next(0, task));
        if let Ok(Some(delivery)) = tokio::time::timeout(Duration::from_millis(300), next).await {
            ledger.effect(&delivery.message().id.to_string());
            delivery.settle(Verdict::Ack);
        }
    }
    direct.close().await;
    let record = Record::read_folder(folder.path());
    record.verify(Effects::AtLeastOnce).unwrap();
    assert_eq!(record.confirmed.len() as u64, length + 3);
    assert!(record.unknown.len() as u64 >= length, "a cut within a publication leaves its outcome unknown");
    let twice: Vec<_> = record.effects.iter().filter(|(_, times)| **times > 1).map(|(id, _)| id.as_str()).collect();
    assert!(twice.iter().all(|id| *id == name(length + 2)), "C: only what passed whole may come twice: {twice:?}");
}

/// Fault 7: a link that is dead without a word, both ways, is found out by its heartbeats.
#[test]
fn a_half_open_link_is_given_up_in_time() {
    const HEARTBEAT: Duration = Duration::from_secs(2);
    let broker = Broker::start();
    let rig = rig(broker.url());
    let proxy = Proxy::start(("127.0.0.1", broker.port()));
    let mut handler = rig.handler(&[("FAULTY_URL", &proxy.url())]);
    let mut producer = endless_producer(&rig, &[]);
    proxy.half_open();
    let dead_since = Instant::now();
    // Long enough for heartbeats of both connections to be swallowed; from then on those stay dead, and others pass.
    std::thread::sleep(Duration::from_millis(2_500));
    proxy.heal();
    resumes_within(&rig, &broker, 1, dead_since, 2 * HEARTBEAT + Duration::from_secs(5));
    end(&mut producer);
    let record = rig.settle(Effects::AtLeastOnce);
    explains_duplicates(&record, 1);
    handler.signal("TERM");
    assert!(handler.wait(HEALING).success());
}

/// Fault 9: a kilobyte a second, with jitter, and a message that takes longer than it takes to be held for dead.
#[test]
fn a_slow_link_is_not_held_for_dead() {
    seeded("a_slow_link_is_not_held_for_dead", |seed| {
        let broker = Broker::start();
        let rig = rig(broker.url());
        let proxy = Proxy::start(("127.0.0.1", broker.port()));
        let mut handler = rig.handler(&[
            ("FAULTY_URL", &proxy.url()),
            ("FAULTY_CONFIRM_TIMEOUT", "30"),
            ("FAULTY_CONFIGURATION", "[subscriber.handle]\nconcurrency = 2"),
        ]);
        let (connections, peak) = (proxy.connections(), handler.peak_kib());
        for direction in Direction::BOTH {
            proxy.throttle(direction, 1_024);
            proxy.delay(direction, Duration::ZERO, Duration::from_millis(500), seed.part("jitter").get());
        }
        rig.producer(0, 1, &[Conduct::Succeed], &[("FAULTY_FILLER", "6000")]).wait(HEALING);
        rig.producer(1, 20, &[Conduct::Succeed], &[]).wait(HEALING);
        rig.wait_until("all is done", HEALING, |record| {
            proxy.connections() > connections || record.outstanding().is_empty()
        });
        assert_eq!(proxy.connections(), connections, "a link that is slow is not dead\n{}", handler.log());
        let record = rig.settle(Effects::AtLeastOnce);
        assert!(record.effects.values().all(|times| *times == 1), "C: {:?}", record.effects);
        let grown = handler.peak_kib() - peak;
        assert!(grown < 16 * 1_024, "E: {grown} KiB for 20 small messages");
        proxy.heal();
        handler.signal("TERM");
        assert!(handler.wait(HEALING).success());
    });
}
