//! The command line.

use std::{ffi::OsString, path::PathBuf};

use super::input::Source;

/// What `--help` prints.
pub const HELP: &str = "\
Takes orders through inventory, payment and shipping, by events.

Usage: order-service [OPTIONS] [FILE]
       order-service check|graph|run|publish|tail …

FILE holds one order a line, as JSON; `-` is standard input, to its end. It ends with a summary.
Without FILE it serves until stopped (SIGTERM, Ctrl-C), and takes orders from standard input meanwhile;
health and metrics are at http://127.0.0.1:2112/health and /metrics (SWIT_ADMIN__ADDRESS: elsewhere).

Options:
      --json               print the summary as one JSON object
      --dead-letters FILE  write dead letters to FILE, one JSON object a line
  -h, --help               print this
  -V, --version            print the version

Commands of every service that is built with swit, instead of FILE (a file of that name is `./check`):
  check                    check the whole service, and connect to nothing
  graph [--format dot]     print its topics, subscribers and dead letters
  run                      serve until stopped, and read no orders
  publish TOPIC [PAYLOAD]  publish one message, and say what became of it
  tail TOPIC               print messages as they come

Exit status: 0 every line read is accounted for; 1 not so, or something failed; 2 wrong usage.
A second signal ends it at once.
";

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
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
pub struct Options {
    /// Where they come from; `None`: from standard input, and serve on at its end.
    pub source: Option<Source>,
    /// Whether the summary is JSON.
    pub json: bool,
    /// Where dead letters are written.
    pub dead_letters: Option<PathBuf>,
}

/// Reads the arguments, without the program's name.
///
/// # Errors
/// What is wrong with them.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    use lexopt::prelude::*;

    let mut parser = lexopt::Parser::from_args(arguments);
    let mut options = Options::default();
    let mut first = true;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("json") => options.json = true,
            Long("dead-letters") => {
                if options.dead_letters.replace(parser.value()?.into()).is_some() {
                    return Err("`--dead-letters` stands twice".into());
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
fn is_framework(word: &std::ffi::OsStr) -> bool {
    ["run", "check", "graph", "publish", "tail"].iter().any(|command| word == *command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Command, String> {
        parse(text.split_whitespace().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_asked_for() {
        let file = |name: &str| Some(Source::File(name.into()));
        let run = |source, json, dead_letters: Option<&str>| {
            Ok(Command::Run(Options { source, json, dead_letters: dead_letters.map(PathBuf::from) }))
        };
        assert_eq!(read(""), run(None, false, None));
        assert_eq!(read("a.jsonl --json"), run(file("a.jsonl"), true, None));
        assert_eq!(read("--dead-letters=x --json -"), run(Some(Source::Stdin), true, Some("x")));
        assert_eq!(read("-- --json"), run(file("--json"), false, None));
        assert_eq!(read("./check"), run(file("./check"), false, None));
        assert_eq!(read("graph --format dot"), Ok(Command::Framework));
        assert_eq!(read("--json -h"), Ok(Command::Help));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("--jsn", "--jsn"),
            ("-x", "-x"),
            ("--json=yes", "--json"),
            ("--dead-letters", "--dead-letters"),
            ("--dead-letters a --dead-letters b", "twice"),
            ("a b", "`b` is one too many"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
