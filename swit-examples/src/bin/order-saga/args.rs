//! The command line.

use std::ffi::{OsStr, OsString};

use swit_orders::input::Source;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Takes orders through inventory, payment and shipping, as a saga whose state outlives the process.

Usage: order-saga [OPTIONS] [FILE]
       order-saga check|graph|run|publish|tail|migrate|outbox|saga|… …

FILE holds one order a line, as JSON; `-` is standard input, to its end. It ends with a summary.
Without FILE it serves until stopped (SIGTERM, Ctrl-C), and takes orders from standard input meanwhile;
health and metrics are at http://127.0.0.1:2112/health and /metrics (SWIT_ADMIN__ADDRESS: elsewhere).

Killed and started again with the same FILE and database, it goes on where it was, and ends with the same sums.
A FILE is known by its content, whatever its name; of standard input each run is another. An order id that any
input had before is a duplicate.

Options:
      --database URL  where everything is kept: sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE
                      (default sqlite:order-saga.db, or SWIT_DATABASE__URL)
      --json          print the summary as one JSON object
  -h, --help          print this
  -V, --version       print the version

Commands of every service that is built with swit, instead of FILE (a file of that name is `./check`):
  check                    check the whole service, and connect to nothing
  graph [--format dot]     print its topics, subscribers and dead letters
  run                      serve until stopped, and read no orders
  and others: `order-saga run --help` lists them. They read swit.toml and the environment, not --database.

Exit status: 0 every line read is accounted for; 1 not so, or something failed; 2 wrong usage.
A second signal ends it at once.
";

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Take orders.
    Run(Options),
    /// One of swit's own commands, which reads the arguments itself.
    Framework,
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// How orders are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Where they come from; `None`: from standard input, and serve on at its end.
    pub(crate) source: Option<Source>,
    /// Whether the summary is JSON.
    pub(crate) json: bool,
    /// Where everything is kept.
    pub(crate) database: Option<String>,
}

/// Reads the arguments, without the program's name.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    use lexopt::prelude::*;

    let mut parser = lexopt::Parser::from_args(arguments);
    let mut options = Options::default();
    let mut first = true;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("json") => options.json = true,
            Long("database") => {
                if options.database.replace(parser.value()?.string()?).is_some() {
                    return Err("`--database` stands twice".into());
                }
            }
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Value(word) if first && is_framework(&word) => return Ok(Command::Framework),
            Value(file) if options.source.is_none() => {
                options.source = Some(if file == "-" { Source::Stdin } else { Source::File(file.into()) });
            }
            Value(file) => return Err(format!("one FILE at a time; `{}` is one too many", file.display()).into()),
            other => return Err(other.unexpected()),
        }
        first = false;
    }
    Ok(Command::Run(options))
}

/// A file of such a name is spelled `./check`.
fn is_framework(word: &OsStr) -> bool {
    const COMMANDS: [&str; 11] =
        ["run", "check", "graph", "publish", "tail", "topology", "dlq", "migrate", "outbox", "saga", "transactions"];
    COMMANDS.iter().any(|command| word == *command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Command, String> {
        parse(text.split_whitespace().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_asked_for() {
        let run = |source, json, database: Option<&str>| {
            Ok(Command::Run(Options { source, json, database: database.map(str::to_owned) }))
        };
        assert_eq!(read(""), run(None, false, None));
        assert_eq!(
            read("a.jsonl --json --database sqlite:x.db"),
            run(Some(Source::File("a.jsonl".into())), true, Some("sqlite:x.db"))
        );
        assert_eq!(read("./saga"), run(Some(Source::File("./saga".into())), false, None));
        assert_eq!(read("saga list"), Ok(Command::Framework));
        assert_eq!(read("--json -h"), Ok(Command::Help));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("--jsn", "--jsn"),
            ("--database", "--database"),
            ("--database a --database b", "twice"),
            ("a b", "`b` is one too many"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
