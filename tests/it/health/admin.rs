//! The pages for operators, asked by a client that writes bytes: what they say, and whom they refuse.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use swit::{App, Running, State, health_check, provider, testing::TestApp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    time::{sleep, timeout},
};

use super::{Patient, Says, of_no_importance, patient};

const TOKEN: &str = "0123456789abcdef";

/// What came back: the status and the whole text; status 0: nothing.
#[derive(Debug)]
struct Reply {
    status: u16,
    text: String,
}

impl Reply {
    fn body(&self) -> serde_json::Value {
        serde_json::from_str(self.text.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

/// Writes bytes and reads until the other side closes.
async fn send(address: SocketAddr, bytes: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may close before it has read all.
    let _ = stream.write_all(bytes).await;
    read(&mut stream).await
}

async fn read(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let ended = timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await;
    assert!(ended.is_ok(), "the connection was not closed: {:?}", String::from_utf8_lossy(&bytes));
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Reply { status, text }
}

async fn get(address: SocketAddr, path: &str, headers: &str) -> Reply {
    send(address, format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n").as_bytes()).await
}

fn app() -> App {
    App::only::<()>().without_environment().service("clinic", "1.2.3").set("admin.address", "127.0.0.1:0")
}

async fn start(app: App) -> (Running, SocketAddr) {
    let running = app.start().await.unwrap();
    let address = running.admin().unwrap();
    (running, address)
}

#[tokio::test]
async fn pages_tell_how_the_service_is() {
    let one = Patient::default();
    let (running, address) = start(app().provide(one.clone()).with_health_check::<patient>()).await;
    let whole = get(address, "/health", "").await;
    assert_eq!(whole.status, 200, "{whole:?}");
    let body = whole.body();
    assert_eq!(
        (&body["status"], &body["stage"], &body["service"], &body["version"]),
        (&"up".into(), &"running".into(), &"clinic".into(), &"1.2.3".into())
    );
    let components = body["components"].as_array().unwrap();
    assert_eq!(components.len(), 2, "{body}");
    assert_eq!((&components[0]["kind"], &components[0]["name"]), (&"transport".into(), &"default".into()));
    assert_eq!((&components[1]["kind"], &components[1]["name"]), (&"check".into(), &"patient".into()));
    assert!(components[1]["latency_ms"].is_f64(), "{body}");

    one.says(Says::Ill("no pulse"));
    sleep(Duration::from_millis(1_100)).await;
    for (path, status) in [("/health", 503), ("/health/ready", 503), ("/health/live", 200), ("/health/ready?x=1", 503)]
    {
        assert_eq!(get(address, path, "").await.status, status, "{path}");
    }
    assert_eq!(get(address, "/health", "").await.body()["components"][1]["text"], "no pulse");
    assert_eq!(get(address, "/health/live", "").await.body(), serde_json::json!({ "status": "up" }));
    let missing = get(address, "/health/../secrets", "").await;
    assert_eq!((missing.status, &missing.body()["pages"][0]), (404, &"/health".into()));
    running.shutdown().await.unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn whether_it_is_ready_waits_for_nobody_who_does_not_decide() {
    let one = Patient::default();
    one.says(Says::Nothing);
    let (running, address) = start(app().provide(one.clone()).with_health_check::<of_no_importance>()).await;
    let ready = async || {
        let begun = Instant::now();
        let reply = get(address, "/health/ready", "").await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        (reply.status, reply.body())
    };
    // Nothing is known of it, which is no reason to send work elsewhere.
    let (status, body) = ready().await;
    assert_eq!(
        (status, &body["status"], &body["components"][1]["status"]),
        (200, &"degraded".into(), &"unknown".into())
    );
    // Who asks for all waits for it, and learns that it does not answer.
    let whole = get(address, "/health", "").await;
    assert_eq!((whole.status, &whole.body()["components"][1]["status"]), (200, &"down".into()));
    let (status, body) = ready().await;
    assert_eq!((status, &body["status"], &body["components"][1]["status"]), (200, &"degraded".into(), &"down".into()));
    // What it said last stands in for what it does not say now.
    one.says(Says::Well);
    sleep(Duration::from_millis(1_100)).await;
    assert_eq!(get(address, "/health", "").await.body()["status"], "up");
    one.says(Says::Nothing);
    sleep(Duration::from_millis(1_100)).await;
    let (status, body) = ready().await;
    assert_eq!((status, &body["status"], &body["components"][1]["status"]), (200, &"up".into(), &"up".into()));
    assert_eq!(one.calls(), 3);
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn only_reading_is_answered() {
    let (running, address) = start(app()).await;
    let head = send(address, b"HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(head.status, 200);
    assert!(head.text.ends_with("\r\n\r\n") && head.text.contains("content-length: "), "{head:?}");
    assert!(head.text.contains("cache-control: no-store"), "{head:?}");
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"] {
        let target = if method == "CONNECT" { "localhost:80" } else { "/health" };
        let asked = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nbody");
        let reply = send(address, asked.as_bytes()).await;
        assert_eq!(reply.status, 405, "{method}: {reply:?}");
        assert!(reply.text.contains("allow: GET, HEAD"), "{reply:?}");
    }
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn who_shows_no_token_learns_the_bare_status() {
    let (running, address) = start(app().set("admin.token", TOKEN)).await;
    let shown = format!("Authorization: Bearer {TOKEN}\r\n");
    for (path, header, status) in [
        ("/health", "", 401),
        ("/metrics", "", 401),
        ("/anything", "", 401),
        ("/health/live", "", 200),
        ("/health/ready", "", 200),
        ("/health", shown.as_str(), 200),
        ("/anything", &shown, 404),
        ("/health", "Authorization: Bearer 0123456789abcdeg\r\n", 401),
        ("/health/ready", "Authorization: Bearer 0123456789abcdeg\r\n", 401),
        ("/health", "Authorization: Basic MDEyMzQ1Njc4OWFiY2RlZg==\r\n", 401),
    ] {
        let reply = get(address, path, header).await;
        assert_eq!(reply.status, status, "{path} {header}: {reply:?}");
        assert_eq!(reply.text.contains("www-authenticate: Bearer"), status == 401, "{reply:?}");
        assert!(!reply.text.contains(TOKEN));
    }
    assert_eq!(get(address, "/health/ready", "").await.body(), serde_json::json!({ "status": "up" }));
    assert!(get(address, "/health/ready", &shown).await.body()["components"].is_array());
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn another_host_or_origin_is_refused() {
    let (running, address) = start(app().set("admin.hosts", vec!["clinic.example"])).await;
    for (host, origin, status) in [
        (address.to_string(), None, 200),
        ("localhost".to_owned(), None, 200),
        ("clinic.example:8080".to_owned(), None, 200),
        ("evil.example".to_owned(), None, 421),
        (format!("evil.example:{}", address.port()), None, 421),
        (address.to_string(), Some(format!("http://{address}")), 200),
        (address.to_string(), Some("http://evil.example".to_owned()), 403),
        (address.to_string(), Some("null".to_owned()), 403),
    ] {
        for path in ["/health", "/health/live", "/health/ready", "/metrics"] {
            let origin = origin.as_ref().map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
            let asked = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{origin}\r\n");
            let reply = send(address, asked.as_bytes()).await;
            assert_eq!(reply.status, status, "{asked}: {reply:?}");
        }
    }
    let absolute = format!("GET http://evil.example/health HTTP/1.1\r\nHost: {address}\r\n\r\n");
    assert_eq!(send(address, absolute.as_bytes()).await.status, 421);
    let twice = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nHost: evil.example\r\n\r\n");
    assert_eq!(send(address, twice.as_bytes()).await.status, 400);
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_is_no_request_ends_soon_and_harms_nobody() {
    let (running, address) = start(app()).await;
    // None of them can take the place of those that come after it.
    let many = format!("GET /health HTTP/1.1\r\nHost: {address}\r\n{}\r\n", "X-Fill: y\r\n".repeat(100));
    let large = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nX-Fill: {}\r\n\r\n", "y".repeat(100_000));
    let long = format!("GET /{} HTTP/1.1\r\nHost: {address}\r\n\r\n", "y".repeat(100_000));
    for (bytes, statuses) in [
        (many.as_bytes(), [431, 0]),
        (large.as_bytes(), [431, 0]),
        (long.as_bytes(), [414, 431]),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", [400, 0]),
        (b"GET /health\r\n\r\n", [400, 0]),
        (b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n", [400, 0]),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", [400, 0]),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 0]),
    ] {
        let reply = send(address, bytes).await;
        assert!(
            statuses.contains(&reply.status),
            "{:?}: {reply:?}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(60)])
        );
        assert!(reply.status != 0 || reply.text.is_empty(), "{reply:?}");
    }
    let old = send(address, b"GET /health/live HTTP/1.0\r\n\r\n").await;
    assert_eq!(old.status, 200, "{old:?}");
    // One request a connection: what comes behind it is not answered.
    let one = format!("GET /health/live HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let piped = send(address, one.repeat(3).as_bytes()).await;
    assert_eq!((piped.status, piped.text.matches("HTTP/1.1").count()), (200, 1), "{piped:?}");
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_slow_request_is_cut_off() {
    let (running, address) = start(app()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let begun = Instant::now();
    for byte in format!("GET /health HTTP/1.1\r\nHost: {address}\r\nX: ").bytes().chain(std::iter::repeat_n(b'x', 200))
    {
        if stream.write_all(&[byte]).await.is_err() || begun.elapsed() > Duration::from_secs(15) {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn those_that_say_nothing_do_not_hold_up_the_end() {
    let (running, address) = start(app()).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let begun = Instant::now();
    assert_eq!(get(address, "/health/live", "").await.status, 200);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    // Nor do they hold up the end.
    let begun = Instant::now();
    running.shutdown().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_those_that_say_nothing_leaves_it_live() {
    let (running, address) = start(app()).await;
    let flood = tokio::spawn(async move {
        // The last 200 of them stay open.
        let mut silent = std::collections::VecDeque::new();
        loop {
            for _ in 0..10 {
                let mut stream = TcpStream::connect(address).await.unwrap();
                // Half of them begin to say something.
                if silent.len() % 2 == 0 {
                    let _ = stream.write_all(b"GET /health/live HT").await;
                }
                silent.push_back(stream);
            }
            silent.drain(..silent.len().saturating_sub(200));
            sleep(Duration::from_millis(20)).await;
        }
    });
    sleep(Duration::from_millis(500)).await;
    for _ in 0..20 {
        let begun = Instant::now();
        let live = get(address, "/health/live", "").await;
        assert!(live.status == 200 && begun.elapsed() < Duration::from_secs(1), "{:?} {live:?}", begun.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
    flood.abort();
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn those_that_wait_for_a_check_leave_it_live() {
    let one = Patient::default();
    one.says(Says::Nothing);
    let (running, address) = start(app().provide(one.clone()).with_health_check::<of_no_importance>()).await;
    let asked = format!("GET /health HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut waiting = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(asked.as_bytes()).await.unwrap();
        waiting.push(stream);
    }
    let begun = Instant::now();
    assert_eq!(get(address, "/health/live", "").await.status, 200);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    // The youngest of them are answered all the same.
    assert_eq!(read(waiting.last_mut().unwrap()).await.status, 200);
    running.shutdown().await.unwrap();
}

struct Slow;

/// What a provider waits for, and what it says when it has begun.
#[derive(Default)]
struct Door {
    reached: Notify,
    opened: Notify,
}

#[provider]
async fn takes_its_time(door: State<Door>) -> Result<Slow, std::convert::Infallible> {
    door.reached.notify_one();
    door.opened.notified().await;
    Ok(Slow)
}

#[health_check]
async fn needs_slow(_slow: State<Slow>) -> Result<(), std::convert::Infallible> {
    Ok(())
}

fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn while_it_starts_it_is_live_and_not_ready() {
    let (address, door) = (free_port(), std::sync::Arc::new(Door::default()));
    let app = app()
        .set("admin.address", address.to_string())
        .provide_shared(door.clone())
        .with_provider_of::<Slow>()
        .with_health_check::<needs_slow>();
    let starting = tokio::spawn(app.start());
    door.reached.notified().await;
    assert_eq!(get(address, "/health/live", "").await.status, 200);
    let ready = get(address, "/health/ready", "").await;
    assert_eq!((ready.status, &ready.body()["stage"]), (503, &"starting".into()));
    door.opened.notify_one();
    let running = starting.await.unwrap().unwrap();
    assert_eq!(get(address, "/health/ready", "").await.status, 200);
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn where_it_is_served_and_where_not() {
    // Nobody wrote an address: tests run beside each other.
    let running = App::only::<()>().without_environment().start().await.unwrap();
    assert_eq!(running.admin(), None);
    running.shutdown().await.unwrap();
    let running = app().set("admin.enabled", false).start().await.unwrap();
    assert_eq!(running.admin(), None);
    running.shutdown().await.unwrap();
    // One that is written and can't be had is said.
    let (first, address) = start(app()).await;
    let error = app().set("admin.address", address.to_string()).start().await.unwrap_err().to_string();
    assert!(error.contains("builder") && error.contains(&format!("`admin.address` {address}")), "{error}");
    first.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_token_in_a_file_holds_in_tests_too() {
    let secret = std::env::temp_dir().join(format!("swit-token-of-tests-{}", std::process::id()));
    std::fs::write(&secret, format!("{TOKEN}\n")).unwrap();
    let app = app().set("admin.address", "0.0.0.0:0").set("admin.token_file", secret.to_str().unwrap());
    let app = TestApp::start(app).await.unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], app.running().admin().unwrap().port()));
    assert_eq!(get(address, "/health", "").await.status, 401);
    let shown = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(get(address, "/health", &shown).await.status, 200);
    app.shutdown().await.unwrap();
    std::fs::remove_file(&secret).unwrap();
}

#[test]
fn what_is_open_to_all_does_not_start() {
    let secret = std::env::temp_dir().join(format!("swit-token-{}", std::process::id()));
    let report = |app: App| app.check().map(|_| ()).map_err(|report| report.to_string());
    let open = || app().set("admin.address", "0.0.0.0:2112");
    let refused = report(open()).unwrap_err();
    assert!(refused.contains("everybody who reaches 0.0.0.0:2112 could read the pages"), "{refused}");
    assert!(report(app().set("admin.address", "[::]:2112")).is_err());
    assert!(report(app().set("admin.address", "[::1]:2112")).is_ok());
    assert!(report(open().set("admin.token", TOKEN)).is_ok());
    assert!(report(open().set("admin.enabled", false)).is_ok());
    let missing = report(open().set("admin.token_file", "/nowhere/at/all")).unwrap_err();
    assert!(missing.contains("the file `/nowhere/at/all` can't be read"), "{missing}");
    std::fs::write(&secret, "hunter2\n").unwrap();
    let short = report(open().set("admin.token_file", secret.to_str().unwrap())).unwrap_err();
    assert!(short.contains("the token has 7 characters") && !short.contains("hunter2"), "{short}");
    std::fs::write(&secret, format!("{TOKEN}\n")).unwrap();
    assert!(report(open().set("admin.token_file", secret.to_str().unwrap())).is_ok());
    let both = report(open().set("admin.token_file", secret.to_str().unwrap()).set("admin.token", TOKEN)).unwrap_err();
    assert!(both.contains("`admin.token` is set as well") && !both.contains(TOKEN), "{both}");
    std::fs::remove_file(&secret).unwrap();
}
