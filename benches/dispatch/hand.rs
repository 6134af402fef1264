//! The loop that one would write by hand: a tokio channel, decode, call.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::{Mutex, mpsc};

use crate::order::Order;

/// Room in the channel, as many as the memory transport's workers may hold and more.
const ROOM: usize = 1_024;

#[expect(clippy::unused_async, reason = "a handler is async, as the service's is")]
async fn handle(order: Order, sum: &AtomicU64) {
    sum.fetch_add(order.items.len() as u64, Ordering::Relaxed);
}

/// One worker that owns the receiver.
pub(crate) async fn one(messages: u64, payload: Bytes) -> Duration {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(ROOM);
    let sum = Arc::new(AtomicU64::new(0));
    let worker_sum = sum.clone();
    let began = Instant::now();
    let worker = tokio::spawn(async move {
        while let Some(bytes) = receiver.recv().await {
            let order: Order = serde_json::from_slice(&bytes).expect("an order");
            handle(order, &worker_sum).await;
        }
    });
    for _ in 0..messages {
        sender.send(payload.clone()).await.expect("the worker lives");
    }
    drop(sender);
    worker.await.expect("the worker ends well");
    assert_eq!(sum.load(Ordering::Relaxed), messages * 2);
    began.elapsed()
}

/// Several workers that share the receiver behind a mutex, as the tokio documentation suggests.
pub(crate) async fn several(workers: usize, messages: u64, payload: Bytes) -> Duration {
    let (sender, receiver) = mpsc::channel::<Bytes>(ROOM);
    let (receiver, sum) = (Arc::new(Mutex::new(receiver)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let workers: Vec<_> = (0..workers)
        .map(|_| {
            let (receiver, sum) = (receiver.clone(), sum.clone());
            tokio::spawn(async move {
                loop {
                    let next = receiver.lock().await.recv().await;
                    let Some(bytes) = next else { break };
                    let order: Order = serde_json::from_slice(&bytes).expect("an order");
                    handle(order, &sum).await;
                }
            })
        })
        .collect();
    let producer = tokio::spawn(async move {
        for _ in 0..messages {
            sender.send(payload.clone()).await.expect("a worker lives");
        }
    });
    producer.await.expect("the producer ends well");
    for worker in workers {
        worker.await.expect("the worker ends well");
    }
    assert_eq!(sum.load(Ordering::Relaxed), messages * 2);
    began.elapsed()
}
