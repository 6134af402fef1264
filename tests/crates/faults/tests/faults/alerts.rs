//! What is raised about a broker: each cause as its own kind, once.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use swit::{AlertKind, Event, Running, State, subscriber, transport::SubscriptionState};
use swit_testbed::Broker;

use crate::ground::{self, Tally, app, options, until};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "alerting.work", version = 1)]
struct Work {
    number: usize,
}

#[subscriber(topic = "alerting.work")]
async fn toil(work: Work, tally: State<Tally>) {
    tally.add(work.number.to_string());
}

/// So often each kind was raised.
async fn raised(running: &Running, expected: &[(AlertKind, u64)]) {
    until(&format!("{expected:?} are raised"), || running.alerts() == expected).await;
    // And nothing else.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(running.alerts(), expected);
}

async fn consumes(running: &Running) {
    let mut state = running.subscription("toil").unwrap();
    let consuming = state.wait_for(|state| *state == SubscriptionState::Consuming);
    tokio::time::timeout(ground::PATIENCE, consuming).await.expect("it consumes again").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_to_the_broker_is_told_by_its_cause() {
    let broker = Broker::start();
    let transport = ground::transport(options(&broker.url(), "alerting"));
    let tally = Arc::new(Tally::default());
    let running = app::<(toil,)>("alerting", &transport).provide_shared(tally).start().await.unwrap();
    consumes(&running).await;
    assert_eq!(running.alerts(), []);

    assert!(broker.delete_queue("alerting.toil"));
    raised(&running, &[(AlertKind::SubscriptionLost, 1)]).await;
    consumes(&running).await;

    // Its subscriptions are lost as well: that needs no alert of their own. Both connections count as one.
    broker.close_all_connections("a test closes them");
    until("the connection is missed", || running.alerts().iter().any(|(kind, _)| *kind == AlertKind::ConnectionLost))
        .await;
    consumes(&running).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let lost = running.alerts().iter().find(|(kind, _)| *kind == AlertKind::SubscriptionLost).map(|(_, count)| *count);
    assert_eq!(lost, Some(1), "the queue was not deleted again: {:?}", running.alerts());

    broker.set_vm_memory_high_watermark(0.0001);
    until("the alarm is raised", || broker.eval("rabbit_alarm:get_alarms()") != "[]").await;
    let publishing = tokio::spawn(running.publisher().unwrap().publish(&Work { number: 1 }));
    until("it is blocked", || running.alerts().iter().any(|(kind, _)| *kind == AlertKind::ConnectionBlocked)).await;
    broker.set_vm_memory_high_watermark(0.4);
    publishing.await.unwrap().unwrap();
    running.shutdown().await.unwrap();
}
