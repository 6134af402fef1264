//! Arguments, exit statuses, and what goes where.

use std::process::Stdio;

use crate::binary::{TempFile, number, order_service, summary};

const ORDER: &str = r#"{"order_id":"a","customer_id":"c","currency":"EUR","placed_at":"2026-01-01T00:00:00Z","items":[{"sku":"s","quantity":1,"unit_price":"1.50"}],"payment":{"method":"card","token":"tok_1"}}"#;

#[test]
fn wrong_usage_is_said_and_ends_with_2() {
    for (arguments, part) in
        [(&["--jsn"][..], "--jsn"), (&["a", "b"], "one FILE"), (&["--dead-letters"], "--dead-letters")]
    {
        let output = order_service().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(part));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn help_goes_to_standard_output() {
    let output = order_service().arg("--help").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(String::from_utf8(output.stdout).unwrap().contains("--dead-letters FILE"));
}

#[test]
fn files_that_cannot_be_used_end_with_1() {
    let input = TempFile::with(ORDER);
    let same = input.path().to_str().unwrap();
    for (arguments, part) in [
        (&["/no/such/file"][..], "/no/such/file"),
        (&["/tmp"], "directory"),
        (&[same, "--dead-letters", "/no/such/directory/x"], "/no/such/directory/x"),
        (&[same, "--dead-letters", same], "is the input itself"),
    ] {
        let output = order_service().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(part), "{output:?}");
    }
    assert_eq!(std::fs::read_to_string(input.path()).unwrap(), ORDER, "the input is untouched");
}

#[test]
fn the_table_is_for_people() {
    let output = order_service().arg(TempFile::with(ORDER).path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("balanced") && text.contains("take-payment"), "{text}");
    assert!(output.stderr.is_empty(), "no progress bar where there is no terminal");
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let input = TempFile::with(ORDER);
    let mut child = order_service().arg(input.path()).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}

#[test]
fn the_service_checks_itself() {
    for (arguments, part) in [
        (&["check"][..], "order-service: 15 subscribers"),
        (&["graph"], "order.created"),
        (&["graph", "--format", "dot"], "digraph"),
        (&["publish", "order.line", ORDER], "complete-order: 1 attempts, 1 succeeded"),
    ] {
        let output = order_service().args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(part), "{output:?}");
    }
    let output = order_service().args(["graph", "--format", "ascii"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_dash_is_standard_input_to_its_end() {
    let input = TempFile::with(ORDER);
    let output =
        order_service().args(["-", "--json"]).stdin(std::fs::File::open(input.path()).unwrap()).output().unwrap();
    assert!(output.status.success());
    assert_eq!(number(&summary(&output), "completed"), 1);
}

/// The sabotage: with its ears closed, the ledger must notice, and name the lines.
#[test]
fn lines_that_get_lost_are_named() {
    let deaf = |input: &str| {
        let mut command = order_service();
        command.env("SWIT_SUBSCRIBER__RECORD_COMPLETED__ENABLED", "false").arg("--json");
        let output = command.arg(TempFile::with(input).path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        (summary(&output), String::from_utf8(output.stderr).unwrap())
    };
    let (summary, errors) = deaf(&format!("{{}}\n\n{ORDER}\n{}", ORDER.replace("\"a\"", "\"b\"")));
    assert_eq!((&summary["balanced"], &summary["unaccounted_lines"]), (&false.into(), &serde_json::json!([3, 4])));
    assert!(errors.contains("NOT BALANCED") && errors.contains("lines 3, 4"), "{errors}");
    let many: String = (0..10_000).map(|n| ORDER.replace("\"a\"", &format!("\"{n}\"")) + "\n").collect();
    let (summary, _) = deaf(&many);
    assert_eq!(summary["unaccounted"], 4_096, "it does not wait for ever for room that never comes");
}
