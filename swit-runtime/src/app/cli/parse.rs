//! From arguments to a command.

use std::{ffi::OsString, fmt::Display, path::PathBuf};

use lexopt::{Arg, Parser};
use swit_grammar::topic::{check_pattern, check_topic};

mod operations;
mod saga;

use super::{Command, GraphFormat, Invocation, Payload, PublishCommand, TailCommand};
use crate::{app::suggest::suggest, error::Error, headers, limits::MAX_ID_BYTES};

const COMMANDS: [&str; 12] = [
    "run",
    "check",
    "graph",
    "publish",
    "tail",
    "topology",
    "dlq",
    "migrate",
    "outbox",
    "relay",
    "transactions",
    "saga",
];
/// Options that every command takes.
const COMMON: [&str; 3] = ["config", "help", "version"];
const SEE_HELP: &str = "see `--help`";

/// Understands a command line, without the program's own name.
///
/// `--help` and `--version` win over whatever else is there, right or wrong, if nothing before them is wrong.
///
/// # Errors
/// [`Error::Usage`] with what is wrong and what to write instead.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let mut line = Line::default();
    let mut parser = Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(usage)? {
        let option = match argument {
            Arg::Value(value) => {
                line.value(value)?;
                continue;
            }
            Arg::Short('h') => "help".to_owned(),
            Arg::Short('V') => "version".to_owned(),
            Arg::Short(letter) => return Err(line.unknown(&format!("-{letter}"))),
            Arg::Long(name) => name.to_owned(),
        };
        match option.as_str() {
            "help" => return Ok(Invocation { config: line.config, command: Command::Help }),
            "version" => return Ok(Invocation { config: line.config, command: Command::Version }),
            name if line.flags().contains(&name) => line.option(name, OsString::new())?,
            name if name == "config" || line.options().contains(&name) => {
                let value = parser.value().map_err(usage)?;
                line.option(name, value)?;
            }
            name => return Err(line.unknown(&format!("--{name}"))),
        }
    }
    line.finish()
}

/// The line so far.
#[derive(Default)]
struct Line {
    command: Option<&'static str>,
    config: Option<PathBuf>,
    /// What stands after the command: topic, payload.
    values: Vec<OsString>,
    options: Vec<(String, OsString)>,
}

impl Line {
    /// The options that this command alone takes.
    fn options(&self) -> &'static [&'static str] {
        match self.command {
            Some("graph") => &["format"],
            Some("publish") => &["key", "header", "id", "content-type", "file"],
            Some("tail") => &["count"],
            Some(command) => operations::options(command),
            None => &[],
        }
    }

    /// Those of them that take no value.
    fn flags(&self) -> Vec<&'static str> {
        self.options().iter().copied().filter(|name| operations::FLAGS.contains(name)).collect()
    }

    fn value(&mut self, value: OsString) -> Result<(), Error> {
        let Some(command) = self.command else {
            let word = value.to_string_lossy();
            let Some(command) = COMMANDS.iter().find(|command| **command == word) else {
                let help = suggest(&word, COMMANDS, "commands: ");
                return Err(refuse(format!("there is no command `{}`", word.escape_debug()), &help));
            };
            self.command = Some(command);
            return Ok(());
        };
        if let Some(subcommands) = operations::subcommands(command) {
            self.command = Some(operations::subcommand(command, subcommands, &value.to_string_lossy())?);
            return Ok(());
        }
        let room = match command {
            "publish" => 2,
            "tail" => 1,
            command => operations::values(command),
        };
        if self.values.len() == room {
            let word = value.to_string_lossy();
            let help = if command == "publish" { "quote a payload that holds spaces" } else { SEE_HELP };
            return Err(refuse(format!("`{command}` does not take `{}`", word.escape_debug()), help));
        }
        self.values.push(value);
        Ok(())
    }

    fn option(&mut self, name: &str, value: OsString) -> Result<(), Error> {
        let repeats = name == "header" || self.command.is_some_and(|command| operations::repeats(command, name));
        let repeated = self.options.iter().any(|(known, _)| known == name) && !repeats;
        if repeated || (name == "config" && self.config.is_some()) {
            return Err(refuse(format!("`--{name}` is given twice"), "remove one"));
        }
        if name == "config" {
            self.config = Some(path(name, value)?);
        } else {
            self.options.push((name.to_owned(), value));
        }
        Ok(())
    }

    fn unknown(&self, shown: &str) -> Error {
        let all = self.options().iter().chain(&COMMON).map(|name| format!("--{name}")).collect::<Vec<_>>();
        let subject = self.command.map_or_else(String::new, |command| format!(" of `{command}`"));
        let help = suggest(shown, all.iter().map(String::as_str), "options: ");
        refuse(format!("there is no option `{}`{subject}", shown.escape_debug()), &help)
    }

    fn take(&mut self, name: &str) -> Option<OsString> {
        let position = self.options.iter().position(|(known, _)| known == name)?;
        Some(self.options.remove(position).1)
    }

    fn take_text(&mut self, name: &str) -> Result<Option<String>, Error> {
        self.take(name).map(|value| text(&format!("--{name}"), value)).transpose()
    }

    fn finish(mut self) -> Result<Invocation, Error> {
        let command = match self.command {
            None | Some("run") => Command::Run,
            Some("check") => Command::Check,
            Some("migrate") => Command::Migrate,
            Some("relay") => Command::Relay,
            Some("graph") => Command::Graph(self.format()?),
            Some("publish") => Command::Publish(self.publish()?),
            Some("tail") => Command::Tail(self.tail()?),
            Some(command) => self.operation(command)?,
        };
        Ok(Invocation { config: self.config, command })
    }

    fn format(&mut self) -> Result<GraphFormat, Error> {
        match self.take_text("format")?.as_deref() {
            None | Some("mermaid") => Ok(GraphFormat::Mermaid),
            Some("dot") => Ok(GraphFormat::Dot),
            Some(other) => {
                let help = suggest(other, ["mermaid", "dot"], "formats: ");
                Err(refuse(format!("there is no format `{}`", other.escape_debug()), &help))
            }
        }
    }

    fn topic(&mut self, command: &str) -> Result<String, Error> {
        if self.values.is_empty() {
            return Err(refuse(format!("`{command}` needs a topic"), &format!("write `{command} order.created`")));
        }
        text("the topic", self.values.remove(0))
    }

    fn publish(&mut self) -> Result<PublishCommand, Error> {
        let topic = self.topic("publish")?;
        check_topic(&topic).map_err(|fault| refuse(fault.message, &fault.help))?;
        let file = self.take("file").map(|value| path("file", value)).transpose()?;
        let payload = match (self.values.pop(), file) {
            (Some(_), Some(_)) => {
                return Err(refuse("the payload is given twice, as argument and as `--file`", "remove one"));
            }
            (None, Some(file)) => Payload::File(file),
            (None, None) => Payload::Stdin,
            (Some(value), None) if value == "-" => Payload::Stdin,
            (Some(value), None) => Payload::Argument(text("the payload", value)?),
        };
        let mut headers: Vec<(String, String)> = Vec::new();
        while let Some(header) = self.take_text("header")? {
            headers.push(split_header(&header, &headers)?);
        }
        let id = self.take_text("id")?;
        if id.as_ref().is_some_and(|id| id.is_empty() || id.len() > MAX_ID_BYTES) {
            return Err(refuse("`--id` is not 1 to 255 bytes", "leave it out to get a new one"));
        }
        Ok(PublishCommand {
            topic,
            key: self.take_text("key")?,
            headers,
            id,
            content_type: self.take_text("content-type")?,
            payload,
        })
    }

    fn tail(&mut self) -> Result<TailCommand, Error> {
        let pattern = self.topic("tail")?;
        check_pattern(&pattern).map_err(|fault| refuse(fault.message, &fault.help))?;
        let count = match self.take_text("count")? {
            None => None,
            Some(text) => match text.parse() {
                Ok(count) if count > 0 => Some(count),
                _ => {
                    let message = format!("`--count` is `{}`", text.escape_debug());
                    return Err(refuse(message, "write a whole number from 1"));
                }
            },
        };
        Ok(TailCommand { pattern, count })
    }
}

fn split_header(header: &str, others: &[(String, String)]) -> Result<(String, String), Error> {
    let shown = header.escape_debug();
    let Some((name, value)) = header.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err(refuse(format!("the header `{shown}` has no name"), "write `--header NAME=VALUE`"));
    };
    if headers::is_reserved(name) {
        return Err(refuse(
            format!("the header `{shown}` belongs to swit, or to the broker"),
            "choose a name that does not start with `x-swit-`, and is neither `CC` nor `BCC`",
        ));
    }
    if others.iter().any(|(other, _)| other == name) {
        return Err(refuse(format!("the header `{}` is given twice", name.escape_debug()), "remove one"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn text(what: &str, value: OsString) -> Result<String, Error> {
    value.into_string().map_err(|_| refuse(format!("{what} is not UTF-8"), "bytes can be published with `--file`"))
}

fn path(name: &str, value: OsString) -> Result<PathBuf, Error> {
    if value.is_empty() { Err(refuse(format!("`--{name}` is empty"), "name a file")) } else { Ok(value.into()) }
}

fn refuse(message: impl Display, help: &str) -> Error {
    Error::Usage(format!("{message}; {help}"))
}

fn usage(error: lexopt::Error) -> Error {
    refuse(error, SEE_HELP)
}

#[cfg(test)]
pub(super) mod tests;
