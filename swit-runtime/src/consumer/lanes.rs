//! Lanes: order per key with several workers.
//!
//! Guarantee: messages of one key are handled one after the other, in the order in which the queue handed them out;
//! only the lane that waits for a retry waits.

use std::{
    future::poll_fn,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
};

use swit_grammar::subscriber::{AckMode, Order};
use tokio::sync::mpsc;

use super::Manner;
use crate::{
    message::Message,
    pipeline::{Plan, Source, give_back},
    transport::{Delivery, Subscription, Verdict},
};

/// The lanes of an ordered subscription, and the one puller that fills them.
pub(super) fn open(
    subscription: Arc<dyn Subscription>,
    plan: Arc<Plan>,
    manner: Manner,
) -> (Vec<Source>, impl Future<Output = ()> + Send + use<>) {
    // The prefetch bounds what is out, so a lane with room for all of it never makes the puller wait for one lane.
    let room = manner.prefetch as usize;
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..manner.concurrency).map(|_| mpsc::channel(room)).unzip();
    let receivers: Vec<_> = receivers.into_iter().map(|lane| Arc::new(Mutex::new(lane))).collect();
    let lanes = receivers.iter().map(|lane| Source::Lane(lane.clone())).collect();
    (lanes, pull(subscription, plan, manner.order, senders, receivers))
}

/// Pulls, and gives back what lies in the lanes when something comes up that may last: only whoever fills them can, or what
/// it had just pulled would come before what is given back.
async fn pull(
    subscription: Arc<dyn Subscription>,
    plan: Arc<Plan>,
    order: Order,
    lanes: Vec<mpsc::Sender<Delivery>>,
    receivers: Vec<Arc<Mutex<mpsc::Receiver<Delivery>>>>,
) {
    let mut shut = pin!(plan.gate.shut());
    loop {
        let next = tokio::task::coop::cooperative(poll_fn(|task| {
            if plan.is_held() {
                return Poll::Ready(None);
            }
            match subscription.poll_next(0, task) {
                Poll::Ready(next) => Poll::Ready(Some(next)),
                Poll::Pending => shut.as_mut().poll(task).map(|()| None),
            }
        }));
        let Some(next) = next.await else {
            let given_back = async {
                plan.gate.shut_for_long().await;
                for lane in receivers.iter().filter(|_| plan.ack != AckMode::None) {
                    give_back(lane);
                }
                std::future::pending::<()>().await;
            };
            // Once is enough: nobody else fills them. First, since it may begin and end before anybody looks.
            tokio::select! {
                biased;
                () = given_back => {}
                () = plan.held() => {}
            }
            shut.set(plan.gate.shut());
            continue;
        };
        let Some(delivery) = next else { return };
        let lane = &lanes[lane_of(delivery.message(), order, lanes.len())];
        if let Err(mpsc::error::SendError(delivery)) = lane.send(delivery).await {
            delivery.settle(Verdict::Requeue);
        }
    }
}

/// The lane of a message: by the hash of its key, lane 0 without one. The same in every process.
fn lane_of(message: &Message, order: Order, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    match order {
        Order::Key => match &message.key {
            Some(key) => key.hash(&mut hasher),
            None => return 0,
        },
        Order::Header(name) => match message.headers.get(name) {
            Some(value) => value.to_string().hash(&mut hasher),
            None => return 0,
        },
        Order::Unordered | Order::Subscription => return 0,
    }
    // Below the number of lanes, so it fits.
    usize::try_from(hasher.finish() % lanes as u64).unwrap_or_default()
}
