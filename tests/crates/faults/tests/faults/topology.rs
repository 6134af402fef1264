//! Queues that are deleted, full, unbound, or not what they were declared as.

use std::time::{Duration, Instant};

use swit_faults::{
    Conduct, Process, Rig,
    rig::{HEALING, RESUMPTION},
};
use swit_testbed::{Broker, ledger::Effects};

use crate::{
    rig,
    steps::{DEAD_LETTERS, QUEUE, broker_log, resumes},
};

/// Fault 13: the queue is made again with its bindings, and consumed again; somebody is told.
#[test]
fn a_queue_deleted_under_its_consumer_is_made_again() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let mut handler = rig.handler(&[]);
    for first in [0, 100] {
        rig.producer(first, 100, &[Conduct::Succeed], &[]).wait(HEALING);
        rig.settle(Effects::AtLeastOnce);
        // It is empty: what a queue holds is lost with it, which is not for its consumers to mend.
        wait_for_depth(&broker, QUEUE, 0, HEALING);
        assert!(broker.delete_queue(QUEUE));
        let deleted = Instant::now();
        // What nobody would take meanwhile comes back to its producer: so it is not published before.
        wait_for_depth(&broker, QUEUE, 0, RESUMPTION);
        resumes(&rig, &broker, 1, deleted);
    }
    rig.producer(200, 100, &[Conduct::Succeed], &[]).wait(HEALING);
    let record = rig.settle(Effects::AtLeastOnce);
    assert_eq!(record.confirmed.len(), 302, "with the two probes");
    let log = handler.log();
    assert!(log.contains("consuming was interrupted") && log.contains("was declared again"), "nobody was told\n{log}");
    assert!(log.contains("subscription_lost") && log.contains("alert: the queue"), "no alert\n{log}");
    handler.signal("TERM");
    assert!(handler.wait(HEALING).success());
}

/// So many messages fail, and all their retries, while dead letters can't be buried: their queue keeps them, also when the
/// handler crashes. Answers the handler that goes on.
fn fail_in_vain(broker: &Broker, rig: &Rig, handler: Process, count: u64) -> Process {
    let mut handler = handler;
    rig.producer(0, count, &[Conduct::Fail], &[]).wait(HEALING);
    handler.wait_for_log("a copy could not be published; the message stays unsettled", HEALING);
    // All that can be tried was tried.
    std::thread::sleep(Duration::from_secs(2));
    all_are_kept(broker, rig, count);
    handler.kill();
    all_are_kept(broker, rig, count);
    handler
}

/// The messages in the handler's queue, its delay queues and its dead-letter queue.
fn total(broker: &Broker) -> u64 {
    broker
        .list_queues()
        .iter()
        .filter(|queue| queue.name.starts_with(QUEUE))
        .map(swit_testbed::broker::Queue::depth)
        .sum()
}

/// A: all are in one of those queues. What is on its way from one to the other may be missed for a moment.
fn all_are_kept(broker: &Broker, rig: &Rig, count: u64) {
    let began = Instant::now();
    while total(broker) < count {
        let patience = Duration::from_secs(15);
        assert!(began.elapsed() < patience, "A: of {count} messages, {} are kept\n{}", total(broker), rig.logs());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// All are dead letters in the end, and whole.
fn all_are_buried(rig: &Rig, mut handler: Process, count: usize) {
    let _gravedigger = rig.gravedigger();
    let record = rig.settle(Effects::AtLeastOnce);
    assert_eq!(record.dead.len(), count, "D");
    assert!(
        record.dead.values().flatten().all(|letter| letter.reason == "max_retries_exceeded"),
        "D: {:?}",
        record.dead
    );
    assert!(record.dead.values().flatten().all(|letter| letter.source == QUEUE), "D: {:?}", record.dead);
    // A crash between the copy and its input's acknowledgement buries one twice, for each worker.
    assert!(record.dead.values().map(Vec::len).sum::<usize>() <= count + 8, "{:?}", record.dead);
    handler.signal("TERM");
    assert!(handler.wait(HEALING).success());
}

/// Fault 14: the dead-letter queue is deleted in a storm of failures; the next start makes it again.
#[test]
fn without_a_dead_letter_queue_the_source_keeps_its_messages() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let handler = rig.handler(&[]);
    assert!(broker.delete_queue(DEAD_LETTERS));
    drop(fail_in_vain(&broker, &rig, handler, 60));
    all_are_buried(&rig, rig.handler(&[]), 60);
}

/// Fault 14: the dead-letter queue takes five and then no more.
#[test]
fn with_a_full_dead_letter_queue_the_source_keeps_its_messages() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let handler = rig.handler(&[]);
    limit(&broker, r"^faults\.handle\.dlq$", 5);
    drop(fail_in_vain(&broker, &rig, handler, 60));
    let handler = rig.handler(&[]);
    handler.wait_for_log("a copy could not be published; the message stays unsettled", HEALING);
    broker.ctl(&["clear_policy", "limit"]);
    all_are_buried(&rig, handler, 60);
}

/// Fault 14: the dead-letter queue is unbound from where the broker's own dead letters come from. Ours go to it directly.
#[test]
fn an_unbound_dead_letter_queue_still_takes_our_dead_letters() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let handler = rig.handler(&[]);
    unbind(&broker, DEAD_LETTERS);
    rig.producer(0, 60, &[Conduct::Fail], &[]).wait(HEALING);
    all_are_buried(&rig, handler, 60);
}

/// The queue in which the handler's retries wait.
const DELAYED: &str = "faults.handle.retry.1s";

/// Fault 14: the delay queue is full, then deleted; retries wait in the source, and go on.
#[test]
fn a_delay_queue_that_is_full_or_deleted_loses_no_retry() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let variables = [("FAULTY_CONFIGURATION", "[subscriber.handle]\nbackoff = 'fixed(1s)'")];
    let mut handler = rig.handler(&variables);
    // More fail than can be parked: the rest has to wait in the delay queue, which takes one.
    limit(&broker, r"^faults\.handle\.retry", 1);
    rig.producer(0, 60, &[Conduct::Fail], &[]).wait(HEALING);
    handler.wait_for_log("a copy could not be published; the message stays unsettled", HEALING);
    handler.kill();
    all_are_kept(&broker, &rig, 60);
    let handler = rig.handler(&variables);
    handler.wait_for_log("a copy could not be published; the message stays unsettled", HEALING);
    broker.ctl(&["clear_policy", "limit"]);
    wait_until_dead(&broker, 60);
    // Empty: what it holds would be lost with it.
    assert!(broker.delete_queue(DELAYED));
    rig.producer(60, 60, &[Conduct::Fail], &[]).wait(HEALING);
    wait_until_dead(&broker, 120);
    assert!(broker.queue(DELAYED).is_some(), "it is made again");
    all_are_buried(&rig, handler, 120);
}

/// Fault 15: a queue with other arguments is one clear error at the start.
#[test]
fn topology_that_differs_is_one_clear_error() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let mut other = rig.handler(&[("FAULTY_DELIVERY_LIMIT", "7")]);
    other.signal("TERM");
    assert!(other.wait(HEALING).success());
    let mut handler = rig.starting_handler(&[]);
    let status = handler.wait(Duration::from_secs(20));
    assert!(!status.success());
    let log = handler.log();
    let clear = "`faults.handle`";
    assert!(log.contains(clear) && log.contains("it exists with other properties: delete or rename it"), "{log}");
    assert_eq!(broker_log(&broker).matches("inequivalent arg").count(), 1, "it was tried once, not in a loop");
    // What is there goes on: its own service starts.
    let mut other = rig.handler(&[("FAULTY_DELIVERY_LIMIT", "7")]);
    rig.producer(0, 10, &[Conduct::Succeed], &[]).wait(HEALING);
    rig.settle(Effects::AtLeastOnce);
    other.signal("TERM");
    assert!(other.wait(HEALING).success());
}

fn limit(broker: &Broker, queues: &str, length: u64) {
    let definition = format!(r#"{{"max-length":{length},"overflow":"reject-publish"}}"#);
    broker.ctl(&["set_policy", "limit", queues, &definition, "--apply-to", "queues"]);
}

fn unbind(broker: &Broker, queue: &str) {
    let gone = broker.eval(&format!(
        "[ok = rabbit_binding:remove(B, <<\"test\">>) || B <- rabbit_binding:list_for_destination(rabbit_misc:r(<<\"/\">>, queue, <<\"{queue}\">>)), element(2, B) =/= rabbit_misc:r(<<\"/\">>, exchange, <<>>)]"
    ));
    assert!(gone.contains("ok"), "{gone}");
}

/// Waits until that many are dead letters, and nothing is left elsewhere.
fn wait_until_dead(broker: &Broker, count: u64) {
    let began = Instant::now();
    loop {
        let (dead, all) = (broker.queue_depth(DEAD_LETTERS).unwrap_or(0), total(broker));
        if dead >= count && dead == all {
            return;
        }
        assert!(began.elapsed() < HEALING, "of {count} messages, {dead} are dead letters, and {all} are left");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn wait_for_depth(broker: &Broker, queue: &str, depth: u64, limit: Duration) {
    let began = Instant::now();
    while broker.queue_depth(queue) != Some(depth) {
        assert!(began.elapsed() < limit, "`{queue}` holds {:?}", broker.queue_depth(queue));
        std::thread::sleep(Duration::from_millis(50));
    }
}
