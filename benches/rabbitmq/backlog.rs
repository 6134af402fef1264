//! Memory of a service in front of a backlog that it can't get through: bounded by the prefetch, whatever waits.

use swit::transports::rabbitmq::QueueKind;

use crate::{
    child::{Child, Part},
    effort::Effort,
    node::Node,
    place::{Keeper, Place},
    report::Report,
    service::{Service, count_slowly},
};

/// A backlog that fits the prefetch several times, to compare with.
const SMALL: u64 = 2_000;

pub(crate) async fn measure(node: &Node, effort: &Effort, report: &mut Report) {
    let place = Place::new(node, "backlog", QueueKind::Quorum);
    Service::declare::<(count_slowly,)>(&place).await;
    let (keeper, queue) = (Keeper::new(node).await, place.queue("count-slowly"));
    // Long enough to handle thousands.
    let millis = u64::try_from(effort.second.as_millis()).unwrap_or(u64::MAX) * 5;
    let mut peaks = Vec::new();
    for backlog in [SMALL.min(effort.backlog), effort.backlog] {
        place.fill(backlog).await;
        let mut child = Child::start(&Part::Slow { place: place.clone(), millis });
        child.say_go();
        let line = tokio::task::spawn_blocking(move || (child.line(), child)).await;
        let (line, child) = line.expect("the child answers");
        let (kib, handled) = line.split_once(' ').expect("two numbers");
        peaks.push(kib.parse::<f64>().expect("a number") / 1_024.0);
        assert!(handled.parse::<u64>().expect("a number") > 0, "it was at work");
        tokio::task::spawn_blocking(|| child.end()).await.expect("the child ends");
        keeper.purge(&queue).await;
    }
    keeper.close().await;
    node.delete(&queue).await;
    report.add("backlog_messages", effort.backlog as f64, "messages that waited");
    report.add("backlog_peak_mib", peaks[1], "MiB, most memory of a process with a slow handler before them");
    report.add("backlog_small_peak_mib", peaks[0], "MiB, the same before 2,000 messages");
}
