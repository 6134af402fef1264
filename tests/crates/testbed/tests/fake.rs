//! The fake server: a real client takes it for a broker, and gets what the script says.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::time::{Duration, Instant};

use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind, PublisherConfirm,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
        ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};
use swit_testbed::{
    Fake,
    fake::{Answer, At, Publish, Verdict},
};
use tokio::time::timeout;

async fn connect(fake: &Fake) -> (Connection, Channel) {
    let connection = Connection::connect(&fake.url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    (connection, channel)
}

async fn publish(channel: &Channel, body: &[u8]) -> PublisherConfirm {
    let (options, properties) =
        (BasicPublishOptions { mandatory: true, ..Default::default() }, BasicProperties::default());
    channel
        .basic_publish("events".into(), "a.b".into(), options, body, properties.with_message_id("id".into()))
        .await
        .unwrap()
}

/// The confirms of so many messages, each in a word.
async fn confirms(channel: &Channel, count: usize) -> Vec<String> {
    let mut waiting = Vec::new();
    for number in 0..count {
        waiting.push(publish(channel, number.to_string().as_bytes()).await);
    }
    let mut words = Vec::new();
    for confirm in waiting {
        words.push(match timeout(Duration::from_secs(5), confirm).await.expect("a confirm comes").unwrap() {
            Confirmation::Ack(None) => "ack".to_owned(),
            Confirmation::Ack(Some(returned)) => {
                format!("returned {}", String::from_utf8_lossy(&returned.delivery.data))
            }
            Confirmation::Nack(_) => "nack".to_owned(),
            Confirmation::NotRequested => "not requested".to_owned(),
        });
    }
    words
}

async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_client_connects_declares_and_publishes() {
    let fake = Fake::obliging();
    let (connection, channel) = connect(&fake).await;
    let (exchange, queue) = (ExchangeDeclareOptions::default(), QueueDeclareOptions::default());
    channel.exchange_declare("events".into(), ExchangeKind::Topic, exchange, FieldTable::default()).await.unwrap();
    let declared = channel.queue_declare("q".into(), queue, FieldTable::default()).await.unwrap();
    assert_eq!((declared.name().as_str(), declared.message_count()), ("q", 0));
    let bind = QueueBindOptions::default();
    channel.queue_bind("q".into(), "events".into(), "#".into(), bind, FieldTable::default()).await.unwrap();
    assert_eq!(confirms(&channel, 3).await, ["ack", "ack", "ack"]);
    // A body in several frames, and none.
    let big = vec![7; 300_000];
    for body in [&big[..], b""] {
        publish(&channel, body).await.await.unwrap();
        assert_eq!(fake.publishes().last().unwrap().body, body);
    }
    let first = fake.publishes().remove(0);
    let at = At { connection: 0, channel: channel.id() };
    // The flag of a message id, and the id.
    let properties = vec![0, 0x80, 2, b'i', b'd'];
    let (exchange, routing_key, body) = ("events".to_owned(), "a.b".to_owned(), b"0".to_vec());
    assert_eq!(first, Publish { at, tag: 1, exchange, routing_key, mandatory: true, properties, body });
    connection.close(200, "bye".into()).await.unwrap();
    assert_eq!(fake.connections(), 1);
}

#[tokio::test]
async fn confirms_come_out_of_order_together_and_as_refusals() {
    let fake = Fake::start(|publish| match publish.tag {
        3 => vec![Answer::ack(3), Answer::nack(1), Answer::ack(2)],
        6 => vec![Answer::Nack { tag: 5, multiple: true }, Answer::ack(6)],
        9 => vec![Answer::Pause(Duration::from_millis(50)), Answer::ack_up_to(9)],
        _ => Vec::new(),
    });
    let (_connection, channel) = connect(&fake).await;
    assert_eq!(confirms(&channel, 3).await, ["nack", "ack", "ack"]);
    assert_eq!(confirms(&channel, 3).await, ["nack", "nack", "ack"]);
    assert_eq!(confirms(&channel, 3).await, ["ack", "ack", "ack"]);
}

#[tokio::test]
async fn a_return_comes_before_its_ack() {
    let fake = Fake::start(|publish| vec![Answer::unroutable(publish.tag), Answer::ack(publish.tag)]);
    let (_connection, channel) = connect(&fake).await;
    assert_eq!(confirms(&channel, 2).await, ["returned 0", "returned 1"]);
}

#[tokio::test]
async fn silence_leaves_a_message_unconfirmed() {
    let fake = Fake::start(|_| Vec::new());
    let (_connection, channel) = connect(&fake).await;
    let mut confirm = Box::pin(publish(&channel, b"x").await);
    assert!(timeout(Duration::from_millis(200), &mut confirm).await.is_err());
    let at = fake.publishes()[0].at;
    assert!(fake.answer(at, &Answer::ack(1)));
    assert!(timeout(Duration::from_secs(5), confirm).await.unwrap().unwrap().is_ack());
}

#[tokio::test]
async fn channels_and_connections_end_as_told() {
    let close = || Answer::CloseChannel { code: 406, text: "PRECONDITION_FAILED".to_owned() };
    for (answer, survives) in [
        (close(), true),
        (Answer::CloseConnection { code: 320, text: "CONNECTION_FORCED".to_owned() }, false),
        (Answer::malformed(), false),
        (Answer::HangUp, false),
    ] {
        let script = answer.clone();
        let fake = Fake::start(move |_| vec![script.clone()]);
        let (connection, channel) = connect(&fake).await;
        let confirm = publish(&channel, b"x").await;
        assert!(timeout(Duration::from_secs(5), confirm).await.unwrap().is_err(), "{answer:?}");
        if survives {
            assert!(connection.create_channel().await.is_ok(), "{answer:?}");
        } else {
            eventually("the connection ends", || !connection.status().connected()).await;
        }
    }
}

#[tokio::test]
async fn deliveries_are_sent_and_their_fate_recorded() {
    use futures_core::Stream as _;
    let fake = Fake::obliging();
    let (_connection, channel) = connect(&fake).await;
    channel.basic_qos(10, BasicQosOptions::default()).await.unwrap();
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("q".into(), "me".into(), options, FieldTable::default()).await.unwrap();
    eventually("the consumer is recorded", || fake.consumers().len() == 1).await;
    let known = fake.consumers().remove(0);
    assert_eq!((known.tag.as_str(), known.queue.as_str()), ("me", "q"));
    assert!(fake.answer(known.at, &Answer::deliver("me", 1, b"hello")));
    let next = std::future::poll_fn(|context| std::pin::Pin::new(&mut consumer).poll_next(context));
    let delivery = timeout(Duration::from_secs(5), next).await.unwrap().unwrap().unwrap();
    assert_eq!(delivery.data, b"hello");
    delivery.ack(BasicAckOptions::default()).await.unwrap();
    eventually("the ack comes", || fake.settlements().len() == 1).await;
    let settlement = fake.settlements()[0];
    assert_eq!((settlement.tag, settlement.verdict, settlement.multiple), (1, Verdict::Acked, false));
}
