//! What lies in `deploy/` asks for series, labels and values of labels that there are, in rules that Prometheus accepts and that
//! all fire.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
};

use swit::{App, stores::MemoryStore, subscriber, testing::TestApp, two_phase::Coordinator};

use super::{page::Page, sagas::Trip};
use crate::support::Task;

#[subscriber(name = "metered-drawn", circuit_breaker)]
async fn drawn(_event: Task) {}

fn deploy(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)
}

fn rules() -> String {
    fs::read_to_string(deploy("prometheus/alerts.yml")).unwrap()
}

/// The expressions of the rules; each stands behind `expr:`, or indented below it.
fn of_rules() -> Vec<String> {
    let text = rules();
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

/// Every expression of the dashboard, and the queries of its variables.
fn of_dashboard() -> Vec<String> {
    let text = fs::read_to_string(deploy("grafana/swit.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut found = Vec::new();
    expressions(&dashboard["panels"], &mut found);
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    found.extend(variables.filter_map(|variable| variable["query"]["query"].as_str()).map(str::to_owned));
    found
}

fn expressions(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            found.extend(map.get("expr").map(|expression| expression.as_str().unwrap().to_owned()));
            map.values().for_each(|value| expressions(value, found));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

/// What series a page has: by name, as a query writes it, the values of each label.
fn there_is(page: &Page) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let mut there_is: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for series in page.values.keys() {
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let known = there_is.entry(name.to_owned()).or_default();
        // No value of these tests holds a quote.
        let parts: Vec<&str> = labels.trim_end_matches('}').split('"').collect();
        for pair in parts.chunks_exact(2) {
            let label = pair[0].trim_start_matches(',').trim_end_matches('=');
            known.entry(label.to_owned()).or_default().insert(pair[1].to_owned());
        }
    }
    // Prometheus' own.
    there_is.insert("up".to_owned(), BTreeMap::new());
    there_is
}

/// One series that an expression names, and what it asks of its labels.
#[derive(Debug, Default)]
struct Asked {
    name: String,
    matchers: Vec<(String, String)>,
}

/// The series that an expression names, and the labels that it groups and joins by. Whatever stands where a series may stand
/// is taken for one.
fn asked(expression: &str) -> (Vec<Asked>, BTreeSet<String>) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_:".contains(c);
    let (mut series, mut labels): (Vec<Asked>, BTreeSet<String>) = Default::default();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let word = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
        if word.is_empty() {
            let end = match first {
                '{' => rest.find('}'),
                '[' => rest.find(']'),
                _ => None,
            };
            if let (Some(end), '{') = (end, first) {
                let of: &mut Asked = series.last_mut().expect("a series before its labels");
                of.matchers.extend(rest[1..end].split(',').map(|one| {
                    let (label, value) = one.split_once(['=', '!']).expect("a label and a value");
                    (label.trim().to_owned(), value.trim_start_matches(['=', '~']).trim().trim_matches('"').to_owned())
                }));
            }
            rest = &rest[end.map_or(first.len_utf8(), |end| end + 1)..];
            continue;
        }
        rest = rest[word.len()..].trim_start();
        match word {
            "by" | "on" | "without" | "ignoring" => {
                let (list, after) = rest.trim_start_matches('(').split_once(')').expect("a list of labels");
                labels.extend(list.split(',').map(|label| label.trim().to_owned()));
                rest = after;
            }
            "and" | "or" | "unless" | "offset" => {}
            // The second argument is a label.
            "label_values" => {
                let (inside, label) = rest.trim_start_matches('(').trim_end_matches(')').rsplit_once(',').unwrap();
                labels.insert(label.trim().to_owned());
                rest = inside;
            }
            _ if rest.starts_with("by ") || rest.starts_with('(') || word.starts_with(|c: char| c.is_ascii_digit()) => {
            }
            _ => series.push(Asked { name: word.to_owned(), matchers: Vec::new() }),
        }
    }
    (series, labels)
}

/// What is wrong with an expression, given what there is.
fn faults(expression: &str, there_is: &BTreeMap<String, BTreeMap<String, BTreeSet<String>>>) -> Vec<String> {
    let (series, labels) = asked(expression);
    let mut faults = Vec::new();
    let mut all: BTreeSet<&str> = ["job", "instance"].into();
    for Asked { name, matchers } in &series {
        let Some(known) = there_is.get(name) else {
            faults.push(format!("there is no series {name}: {expression}"));
            continue;
        };
        all.extend(known.keys().map(String::as_str));
        for (label, value) in matchers {
            if ["job", "instance"].contains(&&**label) {
                continue;
            }
            let Some(values) = known.get(label) else {
                faults.push(format!("{name} has no label {label}: {expression}"));
                continue;
            };
            for value in value.split('|').filter(|value| !values.contains(*value)) {
                faults.push(format!("{label} of {name} is never {value}: {expression}"));
            }
        }
    }
    if !series.iter().any(|one| one.name.starts_with("swit_")) {
        faults.push(format!("asks for nothing of swit's: {expression}"));
    }
    for label in labels.iter().filter(|label| !all.contains(label.as_str())) {
        faults.push(format!("none of its series has a label {label}: {expression}"));
    }
    faults
}

#[tokio::test(start_paused = true)]
async fn every_query_names_series_labels_and_values_that_there_are() {
    let app = App::only::<(drawn,)>().service("test", "1").store(MemoryStore::new());
    let app = app.with_saga::<Trip>().with_provider_of::<Coordinator>();
    let app = TestApp::start(app).await.unwrap();
    let page = Page::of(&app).await;
    let there_is = there_is(&page);
    let mut expressions = of_rules();
    assert!(expressions.len() >= 17);
    expressions.extend(of_dashboard());
    assert!(expressions.len() > 50, "{}", expressions.len());
    let wrong: Vec<String> = expressions.iter().flat_map(|expression| faults(expression, &there_is)).collect();
    assert_eq!(wrong, Vec::<String>::new());

    // It would be seen.
    for (expression, many) in [
        ("rate(swit_messaging_messages_consumed[5m])", 1),
        ("sum by (tpoic) (swit_messaging_consumer_lag{subscriber=\"a\"})", 2),
        ("swit_messaging_consume_duration_seconds{le=\"1\"}", 1),
        ("swit_messaging_alerts_total{kind=\"copy_failde\"} > 0", 1),
        ("sum(swit_messaging_connections{state=~\"connected|bolcked\",job=\"x\"}) or vector(0)", 1),
        ("up == 0 and on (job) swti_messaging_service_info", 2),
        ("rate(messages_consumed_total[5m])", 2),
        ("label_values(swit_messaging_service_info{job=~\"$job\"}, sevrice_name)", 1),
    ] {
        let found = faults(expression, &there_is);
        assert_eq!(found.len(), many, "{expression}: {found:?}");
    }
    // All that is on the page is looked at by somebody.
    let asked: BTreeSet<String> =
        expressions.iter().flat_map(|expression| asked(expression).0).map(|one| one.name).collect();
    let unasked = page
        .types
        .keys()
        .filter(|name| !["", "_bucket", "_sum"].iter().any(|end| asked.contains(&format!("{name}{end}"))));
    assert_eq!(unasked.collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Every rule has a case in which it fires, and one in which it does not.
#[test]
fn every_rule_is_made_to_fire_and_not_to_fire() {
    let cases = fs::read_to_string(deploy("prometheus/alerts_test.yml")).unwrap();
    let mut seen: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for case in cases.split("alertname: ").skip(1) {
        let (name, rest) = case.split_once('\n').unwrap();
        let (fires, silent) = seen.entry(name).or_default();
        let expected = rest.trim_start().strip_prefix("exp_alerts:").unwrap();
        if expected.starts_with(" []") {
            *silent = true;
        } else {
            *fires |= expected.trim_start().starts_with("- exp_labels:");
        }
    }
    let rules = rules();
    let names = rules.lines().filter_map(|line| line.trim_start().strip_prefix("- alert: "));
    let wanted: BTreeMap<&str, (bool, bool)> = names.map(|name| (name, (true, true))).collect();
    assert!(wanted.len() >= 17);
    assert_eq!(seen, wanted);
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
