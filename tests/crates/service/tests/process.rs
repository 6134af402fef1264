//! The service as a process: its commands, and how signals end it.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

fn serve() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serve"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("RUST_LOG");
    command
}

fn output(arguments: &[&str]) -> (bool, String, String) {
    let output = serve().args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// Starts the service with a job and waits until its log says `line`.
fn start(job: &str, line: &str, configure: &[(&str, &str)]) -> (Child, BufReader<ChildStderr>) {
    let mut child = serve().env("SWIT_TEST_JOB", job).envs(configure.iter().copied()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    wait_for(&mut log, line);
    (child, log)
}

fn wait_for(log: &mut BufReader<ChildStderr>, line: &str) {
    let mut read = String::new();
    while !read.contains(line) {
        read.clear();
        assert!(log.read_line(&mut read).unwrap() > 0, "the service ended before its log said {line:?}");
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn end(mut child: Child, mut log: BufReader<ChildStderr>) -> (ExitStatus, String) {
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    (child.wait().unwrap(), rest)
}

#[test]
fn a_signal_drains() {
    for name in ["-TERM", "-INT"] {
        let (child, log) = start("slow", "working", &[]);
        signal(&child, name);
        let (status, rest) = end(child, log);
        assert!(status.success(), "{rest}");
        assert!(rest.contains("draining") && rest.contains("worked") && rest.contains("stopped"), "{rest}");
    }
}

#[test]
fn a_drain_ends_by_its_deadline() {
    let (child, log) = start("stubborn", "working", &[("SWIT_SHUTDOWN__DRAIN", "500ms")]);
    let began = Instant::now();
    signal(&child, "-TERM");
    let (status, rest) = end(child, log);
    assert!(!status.success());
    assert!(rest.contains("1 deliveries were not finished within the drain deadline"), "{rest}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (child, mut log) = start("stubborn", "working", &[("SWIT_SHUTDOWN__DRAIN", "1h")]);
    signal(&child, "-TERM");
    wait_for(&mut log, "draining");
    signal(&child, "-TERM");
    let (status, rest) = end(child, log);
    assert_eq!(status.code(), Some(130), "{rest}");
}

/// The fields of the first line of the log that says this.
fn line(log: &mut BufReader<ChildStderr>, says: &str) -> String {
    let mut read = String::new();
    while !read.contains(says) {
        read.clear();
        assert!(log.read_line(&mut read).unwrap() > 0, "the service ended before its log said {says:?}");
    }
    read
}

fn get(address: &str, path: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn while_it_drains_the_pages_answer_and_it_is_not_ready() {
    let mut child = serve().env("SWIT_TEST_JOB", "slow").env("SWIT_ADMIN__ADDRESS", "127.0.0.1:0").spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    // JSON, since no terminal is there: `"address":"127.0.0.1:40123"`.
    let served = line(&mut log, "serves health");
    assert!(served.starts_with("{\"timestamp\":\"20"), "{served}");
    let address = served.split("\"address\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    wait_for(&mut log, "working");
    let ready = get(&address, "/health/ready");
    assert!(ready.starts_with("HTTP/1.1 200") && ready.contains(r#""stage":"running""#), "{ready}");
    assert!(ready.contains(r#""name":"work","kind":"subscriber","status":"up""#), "{ready}");
    signal(&child, "-TERM");
    wait_for(&mut log, "draining");
    let draining = get(&address, "/health/ready");
    assert!(draining.starts_with("HTTP/1.1 503") && draining.contains(r#""stage":"draining""#), "{draining}");
    assert!(get(&address, "/health/live").starts_with("HTTP/1.1 200"));
    let (status, rest) = end(child, log);
    assert!(status.success() && rest.contains("worked"), "{rest}");
    assert!(std::net::TcpStream::connect(&address).is_err());
}

#[test]
fn an_address_that_nobody_wrote_may_be_taken() {
    let says = |log: &mut BufReader<ChildStderr>| line(log, "serves").contains("serves health");
    // Other services of these tests want the same one, and one at a time has it, some for seconds.
    let until = Instant::now() + Duration::from_secs(30);
    let served = std::iter::repeat_with(|| ()).take_while(|()| Instant::now() < until).any(|()| {
        let (child, mut log) = start_quiet(&[]);
        let served = says(&mut log);
        if served {
            assert!(get("127.0.0.1:2112", "/health/live").starts_with("HTTP/1.1 200"));
        }
        signal(&child, "-TERM");
        assert!(end(child, log).0.success());
        served
    });
    assert!(served, "127.0.0.1:2112 was never free");
    let began = Instant::now();
    let _held = loop {
        match std::net::TcpListener::bind("127.0.0.1:2112") {
            Ok(held) => break held,
            Err(error) => assert!(began.elapsed() < Duration::from_secs(30), "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let (child, mut log) = start_quiet(&[]);
    assert!(!says(&mut log));
    wait_for(&mut log, "started");
    signal(&child, "-TERM");
    assert!(end(child, log).0.success());
    // A written one has to be had.
    let (child, log) = start_quiet(&[("SWIT_ADMIN__ADDRESS", "127.0.0.1:2112")]);
    let (status, rest) = end(child, log);
    assert!(!status.success() && rest.contains("environment variable SWIT_ADMIN__ADDRESS"), "{rest}");
}

fn start_quiet(configure: &[(&str, &str)]) -> (Child, BufReader<ChildStderr>) {
    let mut child = serve().envs(configure.iter().copied()).spawn().unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    (child, log)
}

#[test]
fn the_log_is_as_it_is_configured() {
    let logged = |configure: &[(&str, &str)]| {
        let mut child = serve().env("SWIT_ADMIN__ENABLED", "false").envs(configure.iter().copied()).spawn().unwrap();
        std::thread::sleep(Duration::from_secs(1));
        signal(&child, "-TERM");
        let log = BufReader::new(child.stderr.take().unwrap());
        end(child, log).1
    };
    let human = logged(&[("SWIT_TELEMETRY__LOG", "human")]);
    assert!(human.contains("INFO") && human.contains("started") && !human.contains("{\""), "{human}");
    assert!(!human.contains('\u{1b}'), "no colours where there is no terminal: {human:?}");
    assert_eq!(logged(&[("SWIT_TELEMETRY__LOG", "off")]), "");
    assert_eq!(logged(&[("SWIT_TELEMETRY__LEVEL", "error")]), "");
    let both = logged(&[("SWIT_TELEMETRY__LEVEL", "error"), ("RUST_LOG", "info")]);
    assert!(
        both.lines().count() > 1 && both.lines().all(|line| line.starts_with("{\"") && line.ends_with('}')),
        "{both}"
    );
}

#[test]
fn check_and_graph_connect_to_nothing() {
    let (ok, out, _) = output(&["check"]);
    assert!(ok && out.contains("3 subscribers, 1 providers: everything fits together"), "{out}");
    assert!(out.starts_with("archive: sequential: 10 store, 20 index\n"), "{out}");
    let (ok, out, _) = output(&["graph"]);
    assert!(ok && out.starts_with("flowchart LR") && out.contains("job.created"), "{out}");
    let (ok, out, _) = output(&["graph", "--format", "dot"]);
    assert!(ok && out.starts_with("digraph"), "{out}");
    let (ok, out, _) = output(&["--version"]);
    assert!(ok && out.contains(env!("CARGO_PKG_VERSION")), "{out}");
}

#[test]
fn publish_says_what_became_of_the_message() {
    let (ok, out, err) = output(&["publish", "job.created", r#"{"text": "x"}"#, "--id", "mine"]);
    assert!(ok, "{err}");
    assert!(out.contains("published mine to job.created"), "{out}");
    assert!(out.contains("work: 1 attempts, 1 succeeded, 0 failed, 0 dead-lettered, 0 discarded"), "{out}");
    let (ok, out, _) = output(&["publish", "job.created", "no json"]);
    assert!(ok && out.contains("work: 1 attempts, 0 succeeded, 1 failed, 1 dead-lettered"), "{out}");
}

#[test]
fn tail_prints_what_is_published() {
    let mut child = serve().args(["tail", "job.*", "--count", "1"]).env("SWIT_TEST_JOB", "slow").spawn().unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(out.contains(r#""topic":"job.created""#) && out.contains("slow"), "{out}");
}

#[test]
fn what_is_wrong_is_said_and_nothing_starts() {
    let (ok, _, err) = output(&["chekc"]);
    assert!(!ok && err.contains("check"), "{err}");
    let wrong = serve().arg("check").env("SWIT_SUBSCRIBER__WORK__RETRYES", "3").output().unwrap();
    let err = String::from_utf8(wrong.stderr).unwrap();
    assert!(!wrong.status.success());
    assert!(err.contains("SWIT_SUBSCRIBER__WORK__RETRYES") && err.contains("did you mean `retries`?"), "{err}");
}
