//! The commands of operators, as processes against a broker: `topology` and `dlq`.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use swit_testbed::Broker;

const QUEUE: &str = "swit-test-service.work";
const DEAD: &str = "swit-test-service.work.dlq";

/// The service on a broker.
struct Service(Broker);

impl Service {
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_serve"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("RUST_LOG");
        command.env("SWIT_TRANSPORT", self.0.url()).env("SWIT_SUBSCRIBER__WORK__TIMEOUT", "10s");
        command.env("SWIT_TRANSPORT__DEFAULT__MANAGEMENT", self.0.management_url());
        command
    }

    fn run(&self, arguments: &[&str]) -> (bool, String, String) {
        let output = self.command().args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    }

    /// What a command prints that succeeds.
    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let (ok, out, err) = self.run(arguments);
        assert!(ok, "{arguments:?}: {out}{err}");
        out
    }

    /// What a command says that is refused.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let (ok, out, err) = self.run(arguments);
        assert!(!ok, "{arguments:?}: {out}");
        err
    }

    /// Runs the service until its job is dead.
    fn fail(&self) {
        let before = self.0.queue_depth(DEAD).unwrap_or_default();
        let mut child = self.command().env("SWIT_TEST_JOB", "broken").stderr(Stdio::null()).spawn().unwrap();
        self.until(|| self.0.queue_depth(DEAD).unwrap_or_default() > before);
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        assert!(child.wait().unwrap().success());
    }

    fn until(&self, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < Duration::from_mins(1), "{:?}", self.0.list_queues());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn operators_see_and_mend_what_is_on_the_broker() {
    let service = Service(Broker::options().management().start());

    let plan = service.ok(&["topology", "plan"]);
    assert!(plan.starts_with("transport default (rabbitmq):\n  would be made:\n    exchange swit.events\n"), "{plan}");
    assert!(plan.contains(&format!("    binding {QUEUE} <- swit.events (job.created)\n")), "{plan}");
    assert!(service.0.list_queues().is_empty(), "a plan changes nothing");
    assert_eq!(service.ok(&["dlq", "list"]), format!("{DEAD}: does not exist yet\n"));

    let applied = service.ok(&["topology", "apply"]);
    assert!(applied.contains("  made:\n") && applied.contains(&format!("    queue {QUEUE}\n")), "{applied}");
    assert!(service.ok(&["topology", "apply"]).contains("nothing was missing"));
    assert!(service.ok(&["topology", "plan"]).ends_with("as wanted\n  nothing to do\n"));
    assert!(service.ok(&["topology", "prune"]).ends_with("nothing to remove\n"));

    // What an earlier version had; and a queue that others made for a subscriber that is disabled here.
    service.0.eval(&format!(
        "{{new, _}} = rabbit_amqqueue:declare({{resource, <<\"/\">>, queue, <<\"swit-test-service.imports\">>}}, true, false, [], none, <<\"test\">>),
         Bind = fun(Q, K) -> rabbit_binding:add({{binding, {{resource, <<\"/\">>, exchange, <<\"swit.events\">>}}, K, {{resource, <<\"/\">>, queue, Q}}, []}}, <<\"test\">>) end,
         {{new, _}} = rabbit_amqqueue:declare({{resource, <<\"/\">>, queue, <<\"swit-test-service.gone\">>}}, true, false, [], none, <<\"test\">>),
         Bind(<<\"{QUEUE}\">>, <<\"job.old\">>), Bind(<<\"swit-test-service.gone\">>, <<\"job.created\">>), ok"
    ));
    let plan = service.ok(&["topology", "plan"]);
    assert!(plan.contains(&format!("    binding {QUEUE} <- swit.events (job.old)\n")), "{plan}");
    assert!(plan.contains("    queue swit-test-service.gone: empty, still receives job.created\n"), "{plan}");
    assert!(!plan.contains("imports"), "{plan}");
    assert!(service.refused(&["topology", "prune"]).contains("write `topology prune --yes`"));
    assert!(service.refused(&["topology", "prune", "--yes", "--with-messages", DEAD]).contains("was left behind"));
    service.fail();
    let pruned = service.ok(&["topology", "prune", "--yes"]);
    assert!(pruned.contains(&format!("removed binding {QUEUE} <- swit.events (job.old)\n")), "{pruned}");
    assert_eq!(service.0.queue_depth("swit-test-service.gone"), Some(1), "{pruned}");
    assert_eq!(service.0.queue_depth("swit-test-service.imports"), Some(0), "{pruned}");
    let pruned = service.ok(&["topology", "prune", "--yes", "--with-messages", "swit-test-service.gone"]);
    assert!(pruned.contains("removed queue swit-test-service.gone with 1 messages\n"), "{pruned}");

    service.fail();
    assert_eq!(service.ok(&["dlq", "list"]), format!("{DEAD}: 2 messages: max_retries_exceeded 2\n"));
    let shown = service.ok(&["dlq", "show", DEAD]);
    assert_eq!(shown.matches("  error    broken\n").count(), 2, "{shown}");
    assert!(
        shown.contains("  payload  {\"text\":\"broken\"}\n") && shown.contains("  topic    job.created\n"),
        "{shown}"
    );
    let line = service.ok(&["dlq", "show", DEAD, "--limit", "1", "--json"]);
    assert!(line.contains(r#""reason":"max_retries_exceeded""#) && line.lines().count() == 1, "{line}");
    let id = shown.split_once("  ").unwrap().0;
    assert!(line.contains(&format!("\"id\":\"{id}\"")), "the first again: {line}");

    let error = service.refused(&["dlq", "replay", QUEUE, "--all"]);
    assert!(error.contains(&format!("`{QUEUE}` is no dead-letter queue of `swit-test-service`")), "{error}");
    assert_eq!(service.ok(&["dlq", "replay", DEAD, "--all", "--dry-run"]), format!("would replay 2 to {QUEUE}\n"));
    assert_eq!(service.ok(&["dlq", "replay", DEAD, "--id", id]), format!("replayed 1 to {QUEUE}\n"));
    assert_eq!(service.0.queue_depth(QUEUE), Some(1));
    assert!(service.refused(&["dlq", "purge", DEAD, "--all"]).contains("write `dlq purge --yes`"));
    assert_eq!(
        service.ok(&["dlq", "purge", DEAD, "--older-than", "1h", "--yes"]),
        format!("deleted 0 of 1 messages in {DEAD}\n")
    );
    assert_eq!(service.ok(&["dlq", "purge", DEAD, "--all", "--yes"]), format!("deleted 1 of 1 messages in {DEAD}\n"));
    assert_eq!(service.ok(&["dlq", "list"]), format!("{DEAD}: empty\n"));
    assert_eq!(service.ok(&["dlq", "show", DEAD]), format!("{DEAD}: nothing found\n"));
}

#[test]
fn what_lives_in_the_service_is_not_looked_for_from_outside() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_serve")).args(arguments).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let (ok, out, _) = run(&["topology", "plan"]);
    assert!(ok && out.contains("its queues live and die with the service's own process"), "{out}");
    let (ok, out, _) = run(&["dlq", "list"]);
    assert!(ok && out.contains("in the service's own process, and this is another one"), "{out}");
    let (ok, _, err) = run(&["dlq", "show", DEAD]);
    assert!(!ok && err.contains("look from inside"), "{err}");
}
