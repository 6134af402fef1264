//! Private nodes: their life, their faults and what they keep.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{
    thread,
    time::{Duration, Instant},
};

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, PublisherConfirm,
    options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use swit_testbed::Broker;
use tokio::time::timeout;

async fn connect(broker: &Broker) -> (Connection, Channel) {
    let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    (connection, channel)
}

async fn declare(channel: &Channel, name: &str, kind: &str) {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
    channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments).await.unwrap();
}

async fn publish(channel: &Channel, queue: &str) -> PublisherConfirm {
    let properties = BasicProperties::default().with_delivery_mode(2);
    channel.basic_publish("".into(), queue.into(), BasicPublishOptions::default(), b"kept", properties).await.unwrap()
}

#[test]
fn nodes_run_side_by_side() {
    let began = Instant::now();
    let nodes: Vec<Broker> = thread::scope(|scope| {
        let starting: Vec<_> = (0..2).map(|_| scope.spawn(Broker::start)).collect();
        starting.into_iter().map(|node| node.join().unwrap()).collect()
    });
    eprintln!("two nodes started in {:?}", began.elapsed());
    assert_ne!(nodes[0].eval("node()"), nodes[1].eval("node()"));
    nodes[0].kill();
    assert!(!nodes[0].is_up() && nodes[1].is_up());
    nodes[1].stop_app();
    assert!(!nodes[1].is_up());
    nodes[1].start_app();
    assert!(nodes[1].is_up());
}

#[tokio::test]
async fn a_crash_keeps_what_is_durable() {
    let began = Instant::now();
    let broker = Broker::start();
    eprintln!("started in {:?}", began.elapsed());
    let (_connection, channel) = connect(&broker).await;
    for kind in ["classic", "quorum"] {
        declare(&channel, kind, kind).await;
        assert!(publish(&channel, kind).await.await.unwrap().is_ack());
    }
    let port = broker.port();
    broker.kill();
    let began = Instant::now();
    broker.restart();
    eprintln!("restarted in {:?}", began.elapsed());
    assert_eq!(broker.port(), port);
    let (_connection, channel) = connect(&broker).await;
    for kind in ["classic", "quorum"] {
        let began = Instant::now();
        while broker.queue_depth(kind) != Some(1) {
            assert!(began.elapsed() < Duration::from_secs(10), "{:?}", broker.list_queues());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(publish(&channel, kind).await.await.unwrap().is_ack());
        assert_eq!(broker.queue_depth(kind), Some(2));
    }
}

#[tokio::test]
async fn queues_are_told_of_and_deleted() {
    use futures_core::Stream as _;
    let broker = Broker::shared();
    let (_connection, channel) = connect(broker).await;
    let names = ["a quorum.ü \"1\"", "a classic"];
    declare(&channel, names[0], "quorum").await;
    declare(&channel, names[1], "classic").await;
    for name in names {
        for _ in 0..3 {
            publish(&channel, name).await.await.unwrap();
        }
        let options = BasicConsumeOptions::default();
        channel.basic_qos(1, lapin::options::BasicQosOptions::default()).await.unwrap();
        let consuming = channel.basic_consume(name.into(), "".into(), options, FieldTable::default());
        let mut consumer = consuming.await.unwrap();
        let next = std::future::poll_fn(|context| std::pin::Pin::new(&mut consumer).poll_next(context));
        next.await.unwrap().unwrap();
        let queue = broker.queue(name).unwrap();
        assert_eq!((queue.ready, queue.unacknowledged, queue.consumers, queue.depth()), (2, 1, 1, 3), "{queue:?}");
    }
    let kinds: Vec<_> = broker.list_queues().into_iter().filter(|queue| names.contains(&&*queue.name)).collect();
    assert_eq!(kinds.iter().map(|queue| &*queue.kind).collect::<Vec<_>>(), ["classic", "quorum"]);
    for name in names {
        assert!(broker.delete_queue(name));
        assert!(!broker.delete_queue(name));
        assert_eq!(broker.queue_depth(name), None);
    }
}

#[test]
fn commands_answer_or_say_why_not() {
    let broker = Broker::shared();
    assert_eq!(broker.eval("{1 + 1, <<\"ü\"/utf8>>}."), "{2,<<\"ü\"/utf8>>}");
    assert!(broker.try_eval("error(no_way)").unwrap_err().output.contains("{error,no_way}"));
    assert!(broker.try_eval("not Erlang(").is_err());
    assert!(broker.ctl(&["list_users"]).contains("guest"));
    assert!(broker.try_ctl(&["no_such_command"]).unwrap_err().to_string().contains("no_such_command"));
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..25).for_each(|number| assert_eq!(broker.eval(&number.to_string()), number.to_string())));
        }
    });
    eprintln!("a hundred commands of four threads took {:?}", began.elapsed());
}

/// Publishes and expects a confirm.
async fn confirmed(channel: &Channel) {
    let confirm = publish(channel, "q").await;
    assert!(timeout(Duration::from_secs(20), confirm).await.expect("a confirm comes").unwrap().is_ack());
}

/// Publishes and expects silence. A broker blocks a connection by what it publishes under an alarm, so that a message may
/// still pass.
async fn silent(channel: &Channel) {
    for _ in 0..3 {
        let confirm = publish(channel, "q").await;
        if timeout(Duration::from_millis(500), confirm).await.is_err() {
            return;
        }
    }
    panic!("everything is confirmed");
}

fn alarmed(broker: &Broker, alarmed: bool) {
    let began = Instant::now();
    while (broker.eval("rabbit_alarm:get_alarms()") != "[]") != alarmed {
        assert!(began.elapsed() < Duration::from_secs(10), "no change of alarm");
        thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn alarms_block_and_a_frozen_node_says_nothing() {
    let broker = Broker::start();
    let (_connection, channel) = connect(&broker).await;
    declare(&channel, "q", "classic").await;
    confirmed(&channel).await;
    broker.freeze();
    silent(&channel).await;
    broker.thaw();
    confirmed(&channel).await;

    broker.set_vm_memory_high_watermark(0.0001);
    alarmed(&broker, true);
    silent(&channel).await;
    broker.set_vm_memory_high_watermark(0.4);
    alarmed(&broker, false);
    confirmed(&channel).await;

    broker.set_disk_free_limit(u64::MAX);
    alarmed(&broker, true);
    silent(&channel).await;
    broker.set_disk_free_limit(50_000_000);
    alarmed(&broker, false);
    confirmed(&channel).await;
    assert_eq!(broker.close_all_connections("test"), 1);
}
