//! A real Prometheus scrapes a running service: its page, its rules, and what the dashboard asks.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use swit_orders::sample;
use swit_testbed::{folder::Folder, free_port};

use crate::binary::{assert_balanced, number, order_service, summary};

const MISSING: &str = "it is missing: install the Debian package `prometheus`, as scripts/test does";
const LINES: u64 = 300;

/// What a server on this host answers to a GET. One that starts says so, and has not answered.
fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    if head.starts_with("HTTP/1.0 503 ") || head.starts_with("HTTP/1.1 503 ") {
        return Err(std::io::Error::other("it starts"));
    }
    assert!(head.contains(" 200 "), "{path}: {answer}");
    Ok(body.to_owned())
}

/// A service that serves, which nothing but a signal ends.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A Prometheus of its own, with a folder of its own.
struct Prometheus {
    port: u16,
    child: Child,
    #[expect(dead_code, reason = "held")]
    folder: Folder,
}

impl Prometheus {
    /// Starts one that scrapes the service at this port.
    fn scraping(service: u16) -> Self {
        let folder = Folder::temporary("prometheus");
        let configuration = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: [\"{}\"]\nscrape_configs:\n  \
             - job_name: order-service\n    static_configs:\n      - targets: [\"127.0.0.1:{service}\"]\n",
            deploy("prometheus/alerts.yml").display()
        );
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, configuration).unwrap();
        let port = free_port();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("prometheus: {error}: {MISSING}"));
        Self { port, child, folder }
    }

    /// What its API answers; `None`: it does not run yet.
    fn ask(&self, path: &str) -> Option<Value> {
        let answer: Value = serde_json::from_str(&get(self.port, path).ok()?).unwrap();
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        Some(answer["data"].clone())
    }

    /// What a query finds: the numbers of its series.
    fn query(&self, query: &str) -> Vec<f64> {
        let Some(data) = self.ask(&format!("/api/v1/query?query={}", escaped(query))) else { return Vec::new() };
        let series = data["result"].as_array().unwrap().iter();
        series.map(|one| one["value"][1].as_str().unwrap().parse().unwrap()).collect()
    }

    /// Waits until this rule is evaluated and there is nothing that it would tell, also not in a while. Before the first
    /// scrape, some have.
    fn until_quiet(&self, rule: &str) {
        let began = Instant::now();
        loop {
            let data = self.ask("/api/v1/rules").unwrap();
            let rules = data["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap());
            let found = rules.into_iter().find(|known| known["name"] == rule).unwrap();
            if found["state"] == "inactive" && found["health"] == "ok" {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{found}");
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits until a query finds one series with this number.
    fn until(&self, query: &str, number: u64) {
        let began = Instant::now();
        while self.query(query) != [number as f64] {
            assert!(began.elapsed() < Duration::from_mins(1), "{query}: {:?}", self.query(query));
            thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn escaped(query: &str) -> String {
    query
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(file).canonicalize().unwrap()
}

/// Every expression of the dashboard.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("expr").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| expressions(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

#[test]
fn prometheus_scrapes_the_service_and_knows_what_the_business_asks() {
    let port = free_port();
    let mut service = order_service()
        .arg("--json")
        .env("SWIT_ADMIN__ADDRESS", format!("127.0.0.1:{port}"))
        .stdin(Stdio::piped())
        .spawn()
        .map(Serving)
        .unwrap();
    let mut lines = Vec::new();
    sample::write(LINES, 7, &mut lines).unwrap();
    service.0.stdin.take().unwrap().write_all(&lines).unwrap();
    let prometheus = Prometheus::scraping(port);

    // Each line once, with its labels.
    prometheus.until("sum(orders_processed_total)", LINES);
    prometheus.until("up", 1);
    prometheus.until(
        "swit_messaging_active_subscribers",
        prometheus.query("swit_messaging_subscription_status").len() as u64,
    );
    let consumed = prometheus.query("sum by (status) (swit_messaging_messages_consumed_total) > 0");
    assert!(consumed.len() >= 2, "some succeed, some fail: {consumed:?}");
    let accepted = prometheus.query("sum(order_value_count)");
    let created =
        prometheus.query("swit_messaging_messages_published_total{topic=\"order.created\",status=\"success\"}");
    assert_eq!(accepted, created);
    assert_eq!(prometheus.query("count(orders_in_stage)"), [5.0]);
    assert_eq!(prometheus.query("sum(orders_in_stage)"), [0.0]);
    let errors = prometheus.query("sum by (class) (business_errors_total{type=\"unknown\",class=\"invalid_input\"})");
    assert!(errors[0] > 0.0, "{errors:?}");
    let lag = prometheus.query("swit_messaging_queue_depth{queue=\"order-service.accept-order\"}");
    assert_eq!(lag, [0.0]);

    // No order has a series.
    let labels = prometheus.ask("/api/v1/labels").unwrap();
    let labels: BTreeSet<&str> = labels.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(labels.contains("region") && !labels.iter().any(|label| label.contains("id")), "{labels:?}");
    // And none of ours is called as one of Prometheus' own, which it would rename.
    assert!(!labels.iter().any(|label| label.starts_with("exported_")), "{labels:?}");
    assert_eq!(prometheus.query("swit_messaging_service_info{service_name=\"order-service\"}"), [1.0]);
    let series = prometheus.query("count({job=\"order-service\"})")[0];
    assert!(series < 6_000.0, "{series}");

    // What lies in `deploy/` can be asked of it.
    let mut asked = Vec::new();
    expressions(&serde_json::from_slice(&fs::read(deploy("grafana/swit.json")).unwrap()).unwrap(), &mut asked);
    assert!(asked.len() > 20);
    for expression in asked {
        let expression = expression.replace("$__rate_interval", "1m").replace("$job", ".*").replace("$instance", ".*");
        prometheus.query(&expression);
    }
    let rules = prometheus.ask("/api/v1/rules").unwrap();
    let rules: Vec<&Value> =
        rules["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(rules.len() >= 17 && rules.iter().all(|rule| rule["health"] != "err"), "{rules:?}");

    for name in ["SwitNotScraped", "SwitServiceGone", "SwitNothingScraped", "SwitConnectionDown", "SwitCopiesFail"] {
        prometheus.until_quiet(name);
    }

    promtool(&get(port, "/metrics").unwrap());
    let status = Command::new("kill").args(["-s", "TERM", &service.0.id().to_string()]).status();
    assert!(status.unwrap().success());
    let mut stdout = Vec::new();
    service.0.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
    let output = Output { status: service.0.wait().unwrap(), stdout, stderr: Vec::new() };
    let summary = summary(&output);
    assert_balanced(&summary);
    assert_eq!(number(&summary, "read"), LINES);
}

/// `promtool check metrics` has nothing to say of a page.
fn promtool(page: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("promtool: {error}: {MISSING}"));
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}\n{page}");
}
