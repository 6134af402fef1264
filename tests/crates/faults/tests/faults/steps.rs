//! What several fault tests do in the same way.

use std::time::{Duration, Instant};

use swit_faults::{
    Conduct, Process, Rig,
    rig::{HEALING, RESUMPTION},
};
use swit_testbed::{Broker, Seed, ledger::Record};

/// The handler's queue.
pub(crate) const QUEUE: &str = "faults.handle";
/// Its dead-letter queue.
pub(crate) const DEAD_LETTERS: &str = "faults.handle.dlq";
/// The handler's prefetch, and the publications that a producer has on their way at once.
const IN_FLIGHT: usize = 64 + 64;
/// The number of the first probe; far from all other messages.
const PROBES: u64 = 1_000_000;

/// Runs a test with a seed of its own, and with others for as long as `SWIT_SOAK_MINUTES` says.
pub(crate) fn seeded(test: &str, run: impl Fn(Seed)) {
    let minutes: f64 = std::env::var("SWIT_SOAK_MINUTES").map_or(0.0, |text| text.parse().unwrap());
    let began = Instant::now();
    loop {
        run(Seed::draw(test));
        if began.elapsed().as_secs_f64() >= 60.0 * minutes {
            return;
        }
    }
}

/// A producer that goes on until it is told to end.
pub(crate) fn endless_producer(rig: &Rig, variables: &[(&str, &str)]) -> Process {
    let producer = rig.producer(0, PROBES, &[Conduct::Succeed], &[&[("FAULTY_PAUSE_MS", "5")], variables].concat());
    rig.wait_until("something is done", HEALING, |record| record.effects.len() > 20);
    producer
}

/// Ends a producer: all that it published has a known outcome, and is confirmed.
pub(crate) fn end(producer: &mut Process) {
    producer.signal("TERM");
    assert!(producer.wait(HEALING).success(), "{}", producer.log());
}

/// F: from `healed` on, it takes no longer than it may until so many consumers are registered again and a new message is
/// handled.
pub(crate) fn resumes(rig: &Rig, broker: &Broker, consumers: u64, healed: Instant) {
    resumes_within(rig, broker, consumers, healed, RESUMPTION);
}

/// As [`resumes`], within another time.
pub(crate) fn resumes_within(rig: &Rig, broker: &Broker, consumers: u64, healed: Instant, limit: Duration) {
    let probe = PROBES + rig.record().attempted.iter().filter(|id| is_probe(id)).count() as u64;
    let mut prober = rig.start(
        "produce",
        &[
            ("FAULTY_URL", &broker.url()),
            ("FAULTY_FIRST", &probe.to_string()),
            ("FAULTY_COUNT", "1"),
            ("FAULTY_CONDUCTS", r#"["succeed"]"#),
        ],
    );
    rig.wait_until("F: work resumes", limit.saturating_sub(healed.elapsed()), |record| {
        record.effects.contains_key(&format!("work-{probe}"))
    });
    prober.wait(HEALING);
    loop {
        let registered = broker.queue(QUEUE).map_or(0, |queue| queue.consumers);
        if registered == consumers {
            return;
        }
        assert!(healed.elapsed() < limit, "F: {registered} consumers of {consumers} are registered\n{}", rig.logs());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_probe(id: &str) -> bool {
    id.strip_prefix("work-").and_then(|number| number.parse::<u64>().ok()).is_some_and(|number| number >= PROBES)
}

/// C, without an inbox: what was done twice can be explained by so many interruptions, each of which left no more behind
/// than was prefetched and what was on its way to the broker.
pub(crate) fn explains_duplicates(record: &Record, interruptions: usize) {
    let twice: usize = record.effects.values().map(|times| times - 1).sum();
    assert!(
        twice <= interruptions * IN_FLIGHT,
        "C: {twice} effects too many, after {interruptions} interruptions: {:?}",
        record.effects.iter().filter(|(_, times)| **times > 1).take(20).collect::<Vec<_>>()
    );
}

/// What a broker has logged until now. It writes with a delay: so it is made to log a line, which is waited for.
pub(crate) fn broker_log(broker: &Broker) -> String {
    let (began, mark) = (Instant::now(), format!("mark {:?}", std::time::SystemTime::now()));
    broker.eval(&format!("rabbit_log:error(\"{}\")", mark.escape_default()));
    loop {
        let files = std::fs::read_dir(broker.folder().join("log")).unwrap().flatten();
        let log: String = files.map(|file| std::fs::read_to_string(file.path()).unwrap_or_default()).collect();
        if log.contains(&mark) {
            return log;
        }
        assert!(began.elapsed() < HEALING, "the broker does not log: {log}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
