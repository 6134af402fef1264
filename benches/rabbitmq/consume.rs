//! Consuming what lies in a queue: from subscribing until the broker holds nothing any more.

use std::{sync::Arc, time::Duration};

use swit::transports::rabbitmq::QueueKind;

use crate::{
    effort::Effort,
    hand,
    median::Samples,
    node::{Node, between},
    place::{Place, kind_name},
    report::Report,
    service::{SLOW, Service, count_items, count_slowly},
    tally::Tally,
};

/// The client loops and the service, on queues of this kind.
pub(crate) async fn measure(node: &Node, kind: QueueKind, effort: &Effort, report: &mut Report) {
    let place = Place::new(node, "consume", kind);
    Service::declare::<(count_items,)>(&place).await;
    let mut rates: [Samples; 4] = Default::default();
    let mut costs: [[Samples; 2]; 4] = Default::default();
    for round in effort.all_rounds() {
        for (contender, (rates, costs)) in rates.iter_mut().zip(&mut costs).enumerate() {
            place.fill(effort.messages).await;
            let before = node.processor_times();
            let took = run(node, &place, contender, effort.messages).await;
            rates.add(round, effort.messages as f64 / took.as_secs_f64());
            for ((before, after), costs) in before.into_iter().zip(node.processor_times()).zip(costs) {
                costs.add(round, after.saturating_sub(before).as_secs_f64() * 1e6 / effort.messages as f64);
            }
        }
    }
    let [plain, tuned, one, ten] = rates.map(|samples| samples.median());
    let kind = kind_name(kind);
    for (name, rate, what) in [
        ("plain", plain, "lapin, each acknowledged and awaited"),
        ("tuned", tuned, "lapin, `multiple` every 62 and when idle"),
        ("c1", one, "swit, concurrency 1"),
        ("c10", ten, "swit, concurrency 10"),
    ] {
        report.add(&format!("{kind}_{name}_per_s"), rate, &format!("messages/s, {what}"));
    }
    for (name, costs) in ["plain", "tuned", "c1", "c10"].into_iter().zip(costs) {
        for (side, costs) in ["node", "client"].into_iter().zip(costs) {
            let what = format!("µs of the {side}'s processor time a message");
            report.add(&format!("{kind}_{name}_{side}_us"), costs.median(), &what);
        }
    }
    for (name, ratio, what) in [
        ("c10_vs_plain", ten / plain, "ratio (budget 2.5)"),
        ("c10_vs_tuned", ten / tuned, "ratio (budget 0.9)"),
        ("c1_vs_plain", one / plain, "ratio (budget 2.5)"),
        ("c1_vs_tuned", one / tuned, "ratio (budget 0.8)"),
        ("tuned_vs_plain", tuned / plain, "ratio, by hand"),
    ] {
        report.add(&format!("{kind}_{name}"), ratio, what);
    }
}

/// One round of a contender, in front of a full queue: how long it took.
async fn run(node: &Node, place: &Place, contender: usize, messages: u64) -> Duration {
    let queue = place.queue("count-items");
    let tally = Arc::new(Tally::expecting(messages));
    let emptied = node.emptied(std::slice::from_ref(&queue)).await;
    match contender {
        0 | 1 => {
            let connection = node.connect().await;
            // On a task of its own, as the service's workers are, not on the thread that waits for everything.
            let loops = tokio::spawn(async move {
                let subscribed = match contender {
                    0 => hand::plain(&connection, &queue, &tally).await,
                    _ => hand::tuned(&connection, &queue, &tally).await,
                };
                (connection, subscribed)
            });
            let (connection, subscribed) = loops.await.expect("the loop ends well");
            let took = between(subscribed, emptied.await.expect("the node answers"));
            // A channel that is being dropped may make it say that it is closing already.
            let _ = connection.close(200, "".into()).await;
            took
        }
        _ => {
            let concurrency = if contender == 2 { 1 } else { 10 };
            let service = Service::start::<(count_items,)>(place, concurrency, &tally).await;
            let took = between(service.subscribed(), emptied.await.expect("the node answers"));
            service.stop().await;
            assert_eq!(tally.messages(), messages, "each was handled once");
            took
        }
    }
}

/// A hundred slow handlers at once, against what they could do if nothing else took time.
pub(crate) async fn slow(node: &Node, effort: &Effort, report: &mut Report) {
    const CONCURRENCY: u32 = 100;
    let place = Place::new(node, "slow", QueueKind::Quorum);
    Service::declare::<(count_slowly,)>(&place).await;
    let mut rates = Samples::default();
    for round in effort.all_rounds() {
        place.fill(effort.messages).await;
        let tally = Arc::new(Tally::expecting(effort.messages));
        let emptied = node.emptied(&[place.queue("count-slowly")]).await;
        let service = Service::start::<(count_slowly,)>(&place, CONCURRENCY, &tally).await;
        let took = between(service.subscribed(), emptied.await.expect("the node answers"));
        service.stop().await;
        rates.add(round, effort.messages as f64 / took.as_secs_f64());
    }
    let (rate, ideal) = (rates.median(), f64::from(CONCURRENCY) / SLOW.as_secs_f64());
    report.add("slow_c100_per_s", rate, "messages/s, swit, concurrency 100, a handler of 5 ms");
    report.add("slow_c100_of_ideal", rate / ideal, "of the 20,000/s that such handlers could do");
}
