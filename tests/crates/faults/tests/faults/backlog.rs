//! A queue that is far longer than what a handler has in hand.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use lapin::{BasicProperties, options::BasicPublishOptions};
use swit_faults::{Conduct, Work, rig::HEALING};
use swit_testbed::Broker;

use crate::{
    ground::{Foreign, size, soak},
    rig,
};

/// Bytes of filler a message.
const FILLER: usize = 2_000;
/// What a handler may take up beyond what it takes up without a backlog: 64 prefetched messages, in several shapes, and
/// what an allocator keeps. The whole backlog is a hundred megabytes or more.
const MOST_KIB: u64 = 24 * 1024;

async fn fill(url: &str, count: u64) {
    let foreign = Foreign::connect(url).await;
    let filler = "x".repeat(FILLER);
    stream::iter(0..count)
        .map(|number| {
            let work = Work { number, conduct: Conduct::SucceedAfter(5), filler: filler.clone() };
            let body = serde_json::to_vec(&work).unwrap();
            let id = swit_faults::work::id(number);
            let properties = BasicProperties::default().with_message_id(id.into()).with_delivery_mode(2);
            let channel = foreign.channel.clone();
            async move {
                let options = BasicPublishOptions::default();
                let publish =
                    channel.basic_publish("swit.events".into(), "fault.work".into(), options, &body, properties);
                assert!(publish.await.unwrap().await.unwrap().is_ack());
            }
        })
        .buffered(1_000)
        .collect::<()>()
        .await;
}

/// Fault 29.
#[test]
fn a_backlog_stays_at_the_broker() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let count: u64 = size(50_000, 1_000_000);
    // What it takes up with work, but without a backlog.
    let mut handler = rig.handler(&[("RUST_LOG", "warn,swit_runtime=info")]);
    rig.producer(count, 200, &[Conduct::Succeed], &[("FAULTY_FILLER", "2000")]).wait(HEALING);
    rig.wait_until("it works", HEALING, |record| record.effects.len() == 200);
    let usual = handler.peak_kib();
    handler.signal("TERM");
    assert!(handler.wait(HEALING).success());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(fill(&broker.url(), count));
    assert_eq!(broker.queue_depth("faults.handle"), Some(count));
    let mut handler = rig.handler(&[("RUST_LOG", "warn,swit_runtime=info")]);
    // In a small run, for a while; in a long one, to its end.
    let patience = soak().map_or(HEALING, |time| time.max(HEALING));
    let enough = usize::try_from(size(2_000, count)).unwrap();
    rig.wait_until("it works off its backlog", patience, |record| record.effects.len() >= 200 + enough);
    let peak = handler.peak_kib();
    assert!(usual > 0 && peak < usual + MOST_KIB, "{usual} KiB usually, {peak} KiB with a backlog of {count}");
    handler.signal("TERM");
    assert!(handler.wait(Duration::from_secs(40)).success());
    // Each is done, or still there.
    let effects = rig.record().effects;
    assert!(effects.values().all(|times| *times == 1), "nothing is done twice");
    // A quorum queue takes acknowledgements in a moment after it has them.
    let began = Instant::now();
    let all = || broker.queue_depth("faults.handle").unwrap() + effects.len() as u64;
    while all() != count + 200 && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(all(), count + 200, "nothing is lost, and what was done is acknowledged: {}", handler.log());
}
