//! What lies in `deploy/` asks for series and labels that there are, in rules that Prometheus accepts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
};

use swit::{App, subscriber, testing::TestApp};

use super::{documented::on, page::Page};
use crate::support::Task;

#[subscriber(name = "metered-drawn", circuit_breaker)]
async fn drawn(_event: Task) {}

fn deploy(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)
}

/// The expressions of the rules; each stands behind `expr:`, or indented below it.
fn of_rules() -> Vec<String> {
    let text = fs::read_to_string(deploy("prometheus/alerts.yml")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(expression) = line.trim_start().strip_prefix("expr:") else { continue };
        let indent = line.len() - line.trim_start().len();
        let below = lines[at + 1..].iter().take_while(|line| line.len() - line.trim_start().len() > indent);
        let below: Vec<&str> = below.copied().collect();
        found.push(if expression.trim() == "|" { below.join(" ") } else { expression.to_owned() });
    }
    found
}

/// Every `expr` and `query` of the dashboard.
fn of_dashboard(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(text) if (key == "expr" || key == "query") && text.contains("swit_") => {
                        found.push(text.to_owned());
                    }
                    _ => of_dashboard(value, found),
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| of_dashboard(value, found)),
        _ => {}
    }
}

/// The families that an expression names, and the labels that it asks of any of them.
fn asked(expression: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let families = expression.split(|c| !is_name(c)).filter(|word| word.starts_with("swit_"));
    let mut labels = BTreeSet::new();
    for matchers in expression.split('{').skip(1) {
        let matchers = matchers.split('}').next().unwrap();
        labels.extend(matchers.split(',').map(|one| one.split(['=', '!']).next().unwrap().trim().to_owned()));
    }
    for group in expression.split(" by (").skip(1) {
        labels.extend(group.split(')').next().unwrap().split(',').map(|one| one.trim().to_owned()));
    }
    (families.map(str::to_owned).collect(), labels)
}

/// What is wrong with an expression, given what there is.
fn faults(expression: &str, there_is: &BTreeMap<String, (String, BTreeSet<String>)>) -> Vec<String> {
    let (families, labels) = asked(expression);
    let mut faults = Vec::new();
    let mut known: BTreeSet<&str> = ["job", "instance"].into();
    for family in &families {
        let name = family.strip_prefix("swit_messaging_").unwrap_or(family);
        let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        match (there_is.get(name), histogram.and_then(|name| there_is.get(name))) {
            (Some((kind, own)), _) if kind != "histogram" => known.extend(own.iter().map(String::as_str)),
            (_, Some((kind, own))) if kind == "histogram" => {
                known.extend(own.iter().map(String::as_str));
                known.insert("le");
            }
            _ => faults.push(format!("there is no series {family}: {expression}")),
        }
    }
    if families.is_empty() {
        faults.push(format!("asks for nothing of swit's: {expression}"));
    }
    for label in labels.iter().filter(|label| !known.contains(label.as_str())) {
        faults.push(format!("none of its series has a label {label}: {expression}"));
    }
    faults
}

#[tokio::test(start_paused = true)]
async fn every_query_names_series_and_labels_that_there_are() {
    let app = TestApp::start(App::only::<(drawn,)>().service("test", "1")).await.unwrap();
    let there_is = on(&Page::of(&app).await);
    let mut expressions = of_rules();
    assert!(expressions.len() > 8);
    let dashboard = fs::read_to_string(deploy("grafana/swit.json")).unwrap();
    of_dashboard(&serde_json::from_str(&dashboard).unwrap(), &mut expressions);
    assert!(expressions.len() > 30);
    let wrong: Vec<String> = expressions.iter().flat_map(|expression| faults(expression, &there_is)).collect();
    assert_eq!(wrong, Vec::<String>::new());

    // It would be seen.
    let wrong = |expression: &str| faults(expression, &there_is).len();
    assert_eq!(wrong("rate(swit_messaging_messages_consumed[5m])"), 1);
    assert_eq!(wrong("sum by (tpoic) (swit_messaging_consumer_lag{subscriber=\"a\"})"), 2);
    assert_eq!(wrong("swit_messaging_consume_duration_seconds{le=\"1\"}"), 2);
    // All that is on the page is looked at by somebody.
    let asked: BTreeSet<String> = expressions.iter().flat_map(|expression| asked(expression).0).collect();
    let unasked = there_is.keys().filter(|name| {
        !["", "_bucket", "_sum"].iter().any(|suffix| asked.contains(&format!("swit_messaging_{name}{suffix}")))
    });
    assert_eq!(unasked.collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn promtool_accepts_the_rules_and_they_fire() {
    for arguments in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]] {
        let output = Command::new("promtool")
            .args(arguments)
            .current_dir(deploy("prometheus"))
            .output()
            .expect("promtool is there; the Debian package `prometheus` has it, which scripts/test installs");
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(output.status.success(), "{said}");
    }
}
