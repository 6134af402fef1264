//! The service on a broker of its own: one variable is all that separates it from the embedded transport.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use swit_testbed::Broker;

/// How long a busy machine may take for anything.
const PATIENCE: Duration = Duration::from_mins(1);

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

/// A running service with its log. It ends with the test, however that ends.
struct Service {
    child: Child,
    log: Receiver<String>,
    /// What it said until now.
    said: Vec<String>,
}

impl Service {
    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (send, log) = std::sync::mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // Ends with the process that it reads from.
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| send.send(line)));
        let mut service = Self { child, log, said: Vec::new() };
        service.wait_for("started");
        service
    }

    /// Waits until it says so, unless it has said so already: it may be at work before it says that it has started.
    fn wait_for(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.said.iter().any(|line| line.contains(text)) {
            match self.log.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.said.push(line),
                Err(why) => panic!("its log does not say {text:?} ({why}):\n{}", self.said.join("\n")),
            }
        }
    }

    /// Ends it by SIGTERM and gives the rest of its log.
    fn end(mut self) -> String {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        let until = Instant::now() + PATIENCE;
        let mut rest = String::new();
        while let Ok(line) = self.log.recv_timeout(until.saturating_duration_since(Instant::now())) {
            rest = rest + &line + "\n";
        }
        assert!(Instant::now() < until, "it does not end:\n{rest}");
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{rest}");
        rest
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks a page of the service: the status, and the rest.
fn page(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    (text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default(), text)
}

#[test]
fn it_is_ready_while_its_broker_is_there_and_live_all_the_while() {
    let broker = Broker::start();
    let service = Service::start(serve(&broker.url()).env("SWIT_ADMIN__ADDRESS", "127.0.0.1:0"));
    let served = service.said.iter().find(|line| line.contains("serves health")).unwrap();
    let address = served.split("\"address\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let ready = || page(&address, "/health/ready");
    assert_eq!(ready().0, 200, "{}", ready().1);
    for _ in 0..2 {
        broker.stop_app();
        eventually("it is not ready without its broker", || ready().0 == 503);
        let (_, body) = ready();
        assert!(body.contains(r#""name":"default","kind":"transport","status":"down""#), "{body}");
        assert!(body.contains(r#""name":"work","kind":"subscriber","status":"down""#), "{body}");
        assert_eq!(page(&address, "/health/live").0, 200);
        broker.start_app();
        eventually("it is ready again", || ready().0 == 200);
        assert!(ready().1.contains(r#""name":"work","kind":"subscriber","status":"up""#), "{}", ready().1);
    }
    service.end();
}

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
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
    let mut service = Service::start(&mut serve_apart("drains"));
    let published =
        serve_apart("drains").args(["publish", "job.created", r#"{"text": "slow"}"#, "--id", "mine"]).output().unwrap();
    let (said, logged) = (text(&published.stdout), text(&published.stderr));
    assert!(published.status.success(), "{logged}");
    assert_eq!(said, "published mine to job.created\n", "it is left to the service that serves: {logged}");
    assert!(!logged.contains("working"), "{logged}");
    service.wait_for("working");
    let rest = service.end();
    assert!(rest.contains("draining") && rest.contains("worked") && rest.contains("\"unfinished\":0"), "{rest}");
    // What was acknowledged is gone, and what was not handled waits.
    let again = serve_apart("drains").args(["publish", "job.created", r#"{"text": "later"}"#]).output().unwrap();
    assert!(again.status.success(), "{}", text(&again.stderr));
    let mut service = Service::start(&mut serve_apart("drains"));
    service.wait_for("later");
    service.end();
}

#[test]
fn the_broker_is_told_who_connects() {
    let service = Service::start(serve_apart("shown").env("SWIT_SERVICE__INSTANCE", "host-123"));
    let mut connections = String::new();
    eventually("the broker shows the connections", || {
        connections = Broker::shared().ctl(&["list_connections", "client_properties"]);
        connections.contains("shown@host-123 (consume)")
    });
    assert!(connections.contains("shown@host-123 (publish)"), "{connections}");
    service.end();
}

#[test]
fn tail_takes_nothing_from_the_service() {
    let mut tail = serve_apart("tailed").args(["tail", "job.*", "--count", "1"]).spawn().unwrap();
    eventually("somebody tails", || {
        Broker::shared()
            .ctl(&["list_queues", "name", "consumers"])
            .lines()
            .any(|line| line.starts_with("swit.tail.") && line.ends_with("\t1"))
    });
    let published = serve_apart("tailed").args(["publish", "job.created", r#"{"text": "x"}"#]).output().unwrap();
    assert!(published.status.success(), "{}", text(&published.stderr));
    eventually("it ends after one", || tail.try_wait().unwrap().is_some());
    let tailed = tail.wait_with_output().unwrap();
    assert!(tailed.status.success(), "{}", text(&tailed.stderr));
    assert!(text(&tailed.stdout).contains(r#""topic":"job.created""#), "{}", text(&tailed.stdout));
    let mut service = Service::start(&mut serve_apart("tailed"));
    service.wait_for("worked");
    service.end();
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
