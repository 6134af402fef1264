//! Command lines, understood and refused.

use super::*;
use proptest::prelude::*;

/// Every word that is understood, for the help to name.
pub(in crate::app::cli) const WORDS: &[&str] = &[
    "run",
    "check",
    "graph",
    "publish",
    "tail",
    "--config",
    "--help",
    "--version",
    "-h",
    "-V",
    "--format",
    "--key",
    "--header",
    "--id",
    "--content-type",
    "--file",
    "--count",
    "topology",
    "plan",
    "apply",
    "prune",
    "dlq",
    "list",
    "show",
    "replay",
    "purge",
    "--yes",
    "--with-messages",
    "--limit",
    "--json",
    "--reason",
    "--older-than",
    "--all",
    "--dry-run",
    "migrate",
    "outbox",
    "transactions",
    "resolve",
    "--row",
    "relay",
    "saga",
    "resume",
    "cancel",
    "compensate",
    "--saga",
    "--state",
    "--parked",
];

fn line(words: &[&str]) -> Result<Invocation, String> {
    parse(words.iter().map(Into::into)).map_err(|error| error.to_string())
}

fn command(words: &[&str]) -> Command {
    line(words).expect("it is understood").command
}

fn publish(topic: &str) -> PublishCommand {
    PublishCommand {
        topic: topic.into(),
        key: None,
        headers: vec![],
        id: None,
        content_type: None,
        payload: Payload::Stdin,
    }
}

#[test]
fn commands_are_understood() {
    for (words, expected) in [
        (&[] as &[&str], Command::Run),
        (&["run"], Command::Run),
        (&["check"], Command::Check),
        (&["graph"], Command::Graph(GraphFormat::Mermaid)),
        (&["graph", "--format", "dot"], Command::Graph(GraphFormat::Dot)),
        (&["tail", "order.#"], Command::Tail(TailCommand { pattern: "order.#".into(), count: None })),
        (&["tail", "--count=3", "a"], Command::Tail(TailCommand { pattern: "a".into(), count: Some(3) })),
        (&["publish", "a"], Command::Publish(publish("a"))),
        (&["publish", "a", "-"], Command::Publish(publish("a"))),
        (
            &["publish", "a", "--file", "f"],
            Command::Publish(PublishCommand { payload: Payload::File("f".into()), ..publish("a") }),
        ),
        (
            &["publish", "a", "--", "-5"],
            Command::Publish(PublishCommand { payload: Payload::Argument("-5".into()), ..publish("a") }),
        ),
        (&["--help"], Command::Help),
        (&["publish", "-h"], Command::Help),
        (&["-V"], Command::Version),
    ] {
        assert_eq!(command(words), expected, "{words:?}");
    }
}

#[test]
fn everything_of_a_message() {
    let words = [
        "--config",
        "x.toml",
        "publish",
        "order.created",
        "{\"a\": 1}",
        "--key=k",
        "--header",
        "a=b=c",
        "--header",
        "d=",
        "--id",
        "7",
        "--content-type",
        "application/json",
    ];
    let invocation = line(&words).expect("it is understood");
    assert_eq!(invocation.config, Some("x.toml".into()));
    let expected = PublishCommand {
        topic: "order.created".into(),
        key: Some("k".into()),
        headers: vec![("a".into(), "b=c".into()), ("d".into(), String::new())],
        id: Some("7".into()),
        content_type: Some("application/json".into()),
        payload: Payload::Argument("{\"a\": 1}".into()),
    };
    assert_eq!(invocation.command, Command::Publish(expected));
    assert_eq!(line(&["check", "--config=y"]).map(|line| line.config), Ok(Some("y".into())));
}

#[test]
fn mistakes_say_what_to_write() {
    for (words, expected) in [
        (&["chek"] as &[&str], "there is no command `chek`; did you mean `check`? commands: `check`, `dlq`"),
        (&["run", "now"], "`run` does not take `now`"),
        (
            &["graph", "--formt", "dot"],
            "there is no option `--formt` of `graph`; did you mean `--format`? options: `--config`, `--format`",
        ),
        (&["--key", "x", "publish"], "there is no option `--key`; options: `--config`, `--help`, `--version`"),
        (&["-x"], "there is no option `-x`"),
        (&["graph", "--format", "svg"], "there is no format `svg`; formats: `dot`, `mermaid`"),
        (&["publish"], "`publish` needs a topic; write `publish order.created`"),
        (&["publish", "a.*"], "holds a wildcard"),
        (&["publish", "a", "b", "c"], "`publish` does not take `c`; quote a payload"),
        (&["publish", "a", "b", "--file", "c"], "the payload is given twice"),
        (&["publish", "a", "--key", "b", "--key", "c"], "`--key` is given twice"),
        (&["publish", "a", "--header", "b"], "the header `b` has no name"),
        (&["publish", "a", "--header", "b=1", "--header", "b=2"], "the header `b` is given twice"),
        (&["publish", "a", "--header", "x-swit-attempt=1"], "belongs to swit"),
        (&["publish", "a", "--header", "CC=a"], "neither `CC` nor `BCC`"),
        (&["publish", "a", "--id", ""], "`--id` is not 1 to 255 bytes"),
        (&["publish", "a", "--key"], "--key"),
        (&["tail"], "`tail` needs a topic"),
        (&["tail", "a..b"], "empty word"),
        (&["tail", "a", "--count", "0"], "`--count` is `0`; write a whole number from 1"),
        (&["--config", ""], "`--config` is empty"),
        (&["--config", "a", "--config", "b"], "`--config` is given twice"),
        (&["run", "--config"], "--config"),
    ] {
        let error = line(words).expect_err("it is refused");
        assert!(error.contains(expected), "{words:?}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_are_refused_and_paths_may_hold_them() {
    use std::os::unix::ffi::OsStringExt as _;
    let bytes = || OsString::from_vec(vec![0xff, b'x']);
    assert!(parse([bytes()]).is_err());
    assert!(parse(["publish".into(), "a".into(), bytes()]).is_err());
    assert!(parse(["publish".into(), bytes()]).is_err());
    assert!(parse(["publish".into(), "a".into(), "--file".into(), bytes()]).is_ok());
    assert!(parse(["--config".into(), bytes()]).is_ok());
}

proptest! {
    #[test]
    fn no_line_panics(words in prop::collection::vec(prop_oneof![prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned), any::<String>()], 0..8)) {
        let _ = parse(words.into_iter().map(Into::into));
    }
}
