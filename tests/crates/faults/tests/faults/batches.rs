//! Batches whose connections are cut while they are collected, handled and settled.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use swit::{
    App, Batch, BatchOutcome, Event, Message, MessageId, State, subscriber,
    transport::{Publication, Transport},
};
use swit_faults::rig::HEALING;
use swit_testbed::{Broker, Proxy};

use crate::links::connect;

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "batch.work", version = 1)]
struct Piece {
    number: usize,
}

/// What was handled to its end, and the sizes of the batches.
#[derive(Debug, Default)]
struct Handled {
    times: Mutex<BTreeMap<usize, usize>>,
    sizes: Mutex<Vec<usize>>,
}

#[subscriber(batch(max = 20, within = "50ms"), concurrency = 2, retries = 2, backoff = fixed("100ms"))]
async fn gather(pieces: Batch<Piece>, handled: State<Handled>) -> BatchOutcome {
    handled.sizes.lock().unwrap().push(pieces.len());
    tokio::time::sleep(Duration::from_millis(10)).await;
    let mut outcome = pieces.outcome();
    for (place, piece) in pieces.iter().enumerate() {
        match piece.number % 50 {
            // One that is retried through the broker, one that is given up.
            7 if piece.attempt() == 1 => drop(outcome.fail(place, std::io::Error::other("not yet"))),
            13 => drop(outcome.dead_letter(place, "unlucky")),
            _ => *handled.times.lock().unwrap().entry(piece.number).or_default() += 1,
        }
    }
    outcome
}

/// Fault 4: connections are closed in the middle; every message is handled or given up, none is both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_whose_connection_is_cut_loses_nothing() {
    const COUNT: usize = 2_000;
    let broker = Broker::start();
    let proxy = Proxy::start(("127.0.0.1", broker.port()));
    let transport = connect(&proxy.url()).await;
    let handled = Arc::new(Handled::default());
    let app = App::only::<(gather,)>().service("batches", "1").without_environment();
    let running = app.transport(transport).provide_shared(handled.clone()).start().await.unwrap();
    let direct: Arc<dyn Transport> = connect(&broker.url()).await;
    let producer = {
        let publisher = direct.publisher();
        tokio::spawn(async move {
            for number in 0..COUNT {
                let body = serde_json::to_vec(&Piece { number }).unwrap();
                let id = MessageId::parse(&format!("piece-{number}")).unwrap();
                let mut message = Message::new("batch.work", body).with_id(id);
                message.content_type = Some("application/json".into());
                publisher.publish(Publication::new(message)).await.unwrap();
            }
        })
    };
    let mut cuts = 0;
    while !producer.is_finished() {
        tokio::time::sleep(Duration::from_millis(150)).await;
        // What comes back ten times is taken for what kills its process.
        if cuts < 8 {
            proxy.cut();
            cuts += 1;
        }
    }
    producer.await.unwrap();
    assert!(cuts > 2, "{cuts} cuts are few");

    let began = Instant::now();
    let (queue, buried) = ("batches.gather", "batches.gather.dlq");
    loop {
        let dead = broker.queue_depth(buried).unwrap();
        let done = handled.times.lock().unwrap().len();
        let depth = broker.queue_depth(queue).unwrap();
        // What waits for its retry is not in the queue.
        if done == COUNT - COUNT / 50 && usize::try_from(dead).unwrap() >= COUNT / 50 && depth == 0 {
            break;
        }
        assert!(began.elapsed() < HEALING, "{done} done, {dead} dead, {depth} left after {cuts} cuts");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    running.shutdown().await.unwrap();
    assert_eq!(broker.queue_depth(queue).unwrap(), 0, "all of it is settled");
    let times = handled.times.lock().unwrap().clone();
    let unlucky: Vec<usize> = times.keys().copied().filter(|number| number % 50 == 13).collect();
    assert!(unlucky.is_empty(), "{unlucky:?}");
    assert_eq!(times.len(), COUNT - COUNT / 50);
    // A dead letter whose input was not acknowledged any more comes twice, and no other.
    let dead = usize::try_from(broker.queue_depth(buried).unwrap()).unwrap();
    assert!((COUNT / 50..=COUNT / 50 + 40 * cuts).contains(&dead), "{dead} dead letters");
    assert!(handled.sizes.lock().unwrap().iter().any(|size| *size > 5), "they were batches");
    direct.close().await;
}
