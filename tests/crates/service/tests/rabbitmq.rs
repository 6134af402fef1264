//! The service on a broker of its own: one variable is all that separates it from the embedded transport.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    process::{Child, ChildStderr, Command, Output, Stdio},
    time::{Duration, Instant},
};

use swit_testbed::Broker;

/// The service on the shared broker; its handler's own timeout of an hour is more than a broker allows.
fn serve(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serve"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("RUST_LOG");
    command.env("SWIT_TRANSPORT", url).env("SWIT_SUBSCRIBER__WORK__TIMEOUT", "30s");
    command
}

/// With an exchange and a group, and so with queues, of this test alone.
fn serve_apart(name: &str) -> Command {
    let mut command = serve(&Broker::shared().url());
    command.env("SWIT_TRANSPORT__DEFAULT__EXCHANGE", name).env("SWIT_SERVICE__NAME", name);
    command
}

fn started(command: &mut Command) -> (Child, BufReader<ChildStderr>) {
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    wait_for(&mut log, "started");
    (child, log)
}

fn wait_for(log: &mut BufReader<ChildStderr>, line: &str) {
    let (mut read, mut all) = (String::new(), String::new());
    while !read.contains(line) {
        read.clear();
        assert!(log.read_line(&mut read).unwrap() > 0, "the service ended before its log said {line:?}:\n{all}");
        all += &read;
    }
}

fn end(mut child: Child, mut log: BufReader<ChildStderr>) -> String {
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{rest}");
    rest
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a start that has to fail says, and how long it took to say it.
fn refused(command: &mut Command) -> (String, Duration) {
    let began = Instant::now();
    let Output { status, stderr, .. } = command.output().unwrap();
    let said = text(&stderr);
    assert_eq!(status.code(), Some(1), "{said}");
    (said, began.elapsed())
}

#[test]
fn a_service_handles_what_is_published_and_drains() {
    let (child, mut log) = started(&mut serve_apart("drains"));
    let published =
        serve_apart("drains").args(["publish", "job.created", r#"{"text": "slow"}"#, "--id", "mine"]).output().unwrap();
    let (said, logged) = (text(&published.stdout), text(&published.stderr));
    assert!(published.status.success(), "{logged}");
    assert_eq!(said, "published mine to job.created\n", "it is left to the service that serves: {logged}");
    assert!(!logged.contains("working"), "{logged}");
    wait_for(&mut log, "working");
    let rest = end(child, log);
    assert!(rest.contains("draining") && rest.contains("worked") && rest.contains("unfinished=0"), "{rest}");
    // What was acknowledged is gone, and what was not handled waits.
    let again = serve_apart("drains").args(["publish", "job.created", r#"{"text": "later"}"#]).output().unwrap();
    assert!(again.status.success(), "{}", text(&again.stderr));
    let (child, mut log) = started(&mut serve_apart("drains"));
    wait_for(&mut log, "later");
    end(child, log);
}

#[test]
fn the_broker_is_told_who_connects() {
    let (child, log) = started(serve_apart("shown").env("SWIT_SERVICE__INSTANCE", "host-123"));
    let mut connections = Broker::shared().ctl(&["list_connections", "client_properties"]);
    let until = Instant::now() + Duration::from_secs(10);
    while !connections.contains("shown@host-123 (consume)") && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
        connections = Broker::shared().ctl(&["list_connections", "client_properties"]);
    }
    assert!(connections.contains("shown@host-123 (consume)"), "{connections}");
    assert!(connections.contains("shown@host-123 (publish)"), "{connections}");
    end(child, log);
}

#[test]
fn tail_takes_nothing_from_the_service() {
    let mut tail = serve_apart("tailed").args(["tail", "job.*", "--count", "1"]).spawn().unwrap();
    let url = Broker::shared().url();
    let until = Instant::now() + Duration::from_secs(20);
    while !Broker::shared().ctl(&["list_queues", "name", "consumers"]).contains("swit.tail.") {
        assert!(Instant::now() < until, "{url}: nobody tails");
        std::thread::sleep(Duration::from_millis(100));
    }
    let published = serve_apart("tailed").args(["publish", "job.created", r#"{"text": "x"}"#]).output().unwrap();
    assert!(published.status.success(), "{}", text(&published.stderr));
    let mut out = String::new();
    tail.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(tail.wait().unwrap().success());
    assert!(out.contains(r#""topic":"job.created""#), "{out}");
    let (child, mut log) = started(&mut serve_apart("tailed"));
    wait_for(&mut log, "worked");
    end(child, log);
}

#[test]
fn a_wrong_password_is_one_clear_error() {
    let url = format!("amqp://guest:hunter2@127.0.0.1:{}", Broker::shared().port());
    let (said, took) = refused(&mut serve(&url));
    assert!(said.contains("transport `default`: connect: amqp://guest:***@127.0.0.1"), "{said}");
    assert!(said.contains("ACCESS"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert_eq!(said.lines().filter(|line| line.contains("ACCESS")).count(), 1, "{said}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn an_address_where_nobody_listens_is_one_clear_error() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("amqp://guest:hunter2@{free}");
    let (said, took) = refused(serve(&url).env("SWIT_TRANSPORT__DEFAULT__CONNECT_TIMEOUT", "1s"));
    assert!(said.contains(&format!("Error: transport `default`: connect: amqp://guest:***@{free}/")), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn what_the_broker_would_not_allow_does_not_start() {
    let (said, _) = refused(serve(&Broker::shared().url()).env_remove("SWIT_SUBSCRIBER__WORK__TIMEOUT"));
    assert!(said.contains("the service does not start: 1 fault"), "{said}");
    assert!(said.contains("its `timeout` (1h) is above half of the `ack_limit` (30m)"), "{said}");
}
