//! The commands of operators, `topology`, `outbox`, `dlq` and others: words, options and what they mean.

use swit_grammar::{duration, name::check_queue};

use super::{Line, refuse, text};
use crate::{
    app::{
        cli::{Command, DlqCommand, OutboxCommand, TopologyCommand, TransactionsCommand},
        dead_letters::Selection,
        suggest::suggest,
    },
    error::Error,
};

/// Options that take no value.
pub(super) const FLAGS: [&str; 5] = ["yes", "json", "all", "dry-run", "parked"];
/// How many dead letters, or instances, are shown unless somebody says.
const LIMIT: u64 = 20;

/// The words that follow a command of several, each as the command that they make together.
pub(super) fn subcommands(command: &str) -> Option<&'static [&'static str]> {
    match command {
        "topology" => Some(&["topology plan", "topology apply", "topology prune"]),
        "transactions" => Some(&["transactions list", "transactions resolve"]),
        "outbox" => Some(&["outbox list", "outbox replay"]),
        "saga" => Some(&["saga list", "saga show", "saga resume", "saga cancel", "saga compensate"]),
        "dlq" => Some(&["dlq list", "dlq show", "dlq replay", "dlq purge"]),
        _ => None,
    }
}

/// The command that a word makes of a command of several.
pub(super) fn subcommand(command: &str, known: &[&'static str], word: &str) -> Result<&'static str, Error> {
    let found = known.iter().find(|known| known.strip_prefix(command).is_some_and(|rest| rest.trim_start() == word));
    found.copied().ok_or_else(|| {
        let help = suggest(word, known.iter().map(|known| last_word(known)), "it takes: ");
        refuse(format!("`{command}` does not take `{}`", word.escape_debug()), &help)
    })
}

fn last_word(command: &str) -> &str {
    command.rsplit_once(' ').map_or(command, |(_, word)| word)
}

pub(super) fn options(command: &str) -> &'static [&'static str] {
    match command {
        "topology prune" => &["yes", "with-messages"],
        "outbox replay" => &["row", "all"],
        "saga list" => &["saga", "state", "parked", "limit", "json"],
        "saga show" => &["json"],
        "dlq show" => &["id", "limit", "json"],
        "dlq replay" => &["id", "reason", "older-than", "all", "dry-run"],
        "dlq purge" => &["id", "reason", "older-than", "all", "dry-run", "yes"],
        _ => &[],
    }
}

/// How many values a command takes.
pub(super) fn values(command: &str) -> usize {
    match command {
        "dlq show" | "dlq replay" | "dlq purge" => 1,
        "saga show" | "saga resume" | "saga cancel" | "saga compensate" => 2,
        _ => 0,
    }
}

/// Whether an option may be given more than once.
pub(super) fn repeats(command: &str, option: &str) -> bool {
    matches!(option, "reason" | "with-messages" | "row") || (option == "id" && command.starts_with("dlq"))
}

impl Line {
    pub(super) fn operation(&mut self, command: &str) -> Result<Command, Error> {
        if let Some(known) = subcommands(command) {
            let words: Vec<&str> = known.iter().map(|known| last_word(known)).collect();
            let help = format!("write `{}`", known.join("`, `"));
            return Err(refuse(format!("`{command}` needs one of {}", words.join(", ")), &help));
        }
        Ok(match command {
            "topology plan" => Command::Topology(TopologyCommand::Plan),
            "topology apply" => Command::Topology(TopologyCommand::Apply),
            "topology prune" => {
                let mut with_messages = Vec::new();
                while let Some(queue) = self.take_text("with-messages")? {
                    check_queue(&queue).map_err(|fault| refuse(fault.message, &fault.help))?;
                    with_messages.push(queue);
                }
                Command::Topology(TopologyCommand::Prune { yes: self.flag("yes"), with_messages })
            }
            "transactions list" => Command::Transactions(TransactionsCommand::List),
            "transactions resolve" => Command::Transactions(TransactionsCommand::Resolve),
            "outbox list" => Command::Outbox(OutboxCommand::List),
            "outbox replay" => Command::Outbox(OutboxCommand::Replay { rows: self.rows()? }),
            command if command.starts_with("saga ") => Command::Saga(self.saga(command)?),
            "dlq list" => Command::Dlq(DlqCommand::List),
            "dlq show" => {
                let queue = self.queue(command)?;
                let limit = self.limit()?;
                Command::Dlq(DlqCommand::Show { queue, selection: self.ids()?, limit, json: self.flag("json") })
            }
            "dlq replay" => {
                let (queue, selection) = (self.queue(command)?, self.selection(command)?);
                Command::Dlq(DlqCommand::Replay { queue, selection, dry_run: self.flag("dry-run") })
            }
            _ => {
                let (queue, selection) = (self.queue(command)?, self.selection(command)?);
                let (dry_run, yes) = (self.flag("dry-run"), self.flag("yes"));
                Command::Dlq(DlqCommand::Purge { queue, selection, dry_run, yes })
            }
        })
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        self.take(name).is_some()
    }

    /// Which rows of the outbox are meant; none: all. Somebody who means all of them says so.
    fn rows(&mut self) -> Result<Vec<i64>, Error> {
        let mut rows = Vec::new();
        while let Some(row) = self.take_text("row")? {
            let number = row.parse().ok().filter(|number| *number > 0);
            rows.push(number.ok_or_else(|| {
                refuse(format!("`--row` is `{}`", row.escape_debug()), "write the number that `outbox list` shows")
            })?);
        }
        match (self.flag("all"), rows.is_empty()) {
            (false, true) => {
                Err(refuse("`outbox replay` does not say which publications", "write `--row NUMBER`, or `--all`"))
            }
            (true, false) => Err(refuse("`--all` stands beside `--row`", "remove one of them")),
            _ => Ok(rows),
        }
    }

    fn queue(&mut self, command: &str) -> Result<String, Error> {
        if self.values.is_empty() {
            let help = format!("write `{command} QUEUE`; `dlq list` names them");
            return Err(refuse(format!("`{command}` needs a dead-letter queue"), &help));
        }
        let queue = text("the queue's name", self.values.remove(0))?;
        check_queue(&queue).map_err(|fault| refuse(fault.message, &fault.help))?;
        Ok(queue)
    }

    pub(super) fn limit(&mut self) -> Result<u64, Error> {
        let Some(text) = self.take_text("limit")? else { return Ok(LIMIT) };
        let number = text.parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| refuse(format!("`--limit` is `{}`", text.escape_debug()), "write a whole number from 1"))
    }

    fn ids(&mut self) -> Result<Selection, Error> {
        let mut selection = Selection::all();
        while let Some(id) = self.take_text("id")? {
            selection = selection.id(id);
        }
        Ok(selection)
    }

    /// Which dead letters are meant. Somebody who means all of them says so.
    fn selection(&mut self, command: &str) -> Result<Selection, Error> {
        let mut selection = self.ids()?;
        while let Some(reason) = self.take_text("reason")? {
            selection = selection.reason(reason);
        }
        if let Some(age) = self.take_text("older-than")? {
            let age = duration::parse(&age)
                .map_err(|fault| refuse(format!("`--older-than`: {}", fault.message), &fault.help))?;
            selection = selection.older_than(age);
        }
        match (self.flag("all"), selection == Selection::all()) {
            (false, true) => {
                let help = "write `--id ID`, `--reason REASON`, `--older-than 7d`, or `--all`";
                Err(refuse(format!("`{command}` does not say which dead letters"), help))
            }
            (true, false) => Err(refuse(
                "`--all` stands beside `--id`, `--reason` or `--older-than`",
                "remove it, or those that narrow it",
            )),
            _ => Ok(selection),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::app::cli::parse;

    fn line(words: &[&str]) -> Result<Command, String> {
        parse(words.iter().map(Into::into)).map(|line| line.command).map_err(|error| error.to_string())
    }

    #[test]
    fn operators_commands_are_understood() {
        let (queue, all) = ("orders.confirm.dlq".to_owned(), Selection::all);
        for (words, expected) in [
            (&["topology", "plan"] as &[&str], Command::Topology(TopologyCommand::Plan)),
            (&["topology", "apply"], Command::Topology(TopologyCommand::Apply)),
            (&["topology", "prune"], Command::Topology(TopologyCommand::Prune { yes: false, with_messages: vec![] })),
            (
                &["topology", "prune", "--yes", "--with-messages", "a", "--with-messages=b"],
                Command::Topology(TopologyCommand::Prune { yes: true, with_messages: vec!["a".into(), "b".into()] }),
            ),
            (&["migrate"], Command::Migrate),
            (&["relay"], Command::Relay),
            (&["transactions", "list"], Command::Transactions(TransactionsCommand::List)),
            (&["transactions", "resolve"], Command::Transactions(TransactionsCommand::Resolve)),
            (&["outbox", "list"], Command::Outbox(OutboxCommand::List)),
            (&["outbox", "replay", "--all"], Command::Outbox(OutboxCommand::Replay { rows: vec![] })),
            (
                &["outbox", "replay", "--row", "7", "--row=9"],
                Command::Outbox(OutboxCommand::Replay { rows: vec![7, 9] }),
            ),
            (&["dlq", "list"], Command::Dlq(DlqCommand::List)),
            (
                &["dlq", "show", &queue],
                Command::Dlq(DlqCommand::Show { queue: queue.clone(), selection: all(), limit: 20, json: false }),
            ),
            (
                &["dlq", "show", "--limit", "3", "--json", "--id", "7", &queue],
                Command::Dlq(DlqCommand::Show { queue: queue.clone(), selection: all().id("7"), limit: 3, json: true }),
            ),
            (
                &["dlq", "replay", &queue, "--all"],
                Command::Dlq(DlqCommand::Replay { queue: queue.clone(), selection: all(), dry_run: false }),
            ),
            (
                &[
                    "dlq",
                    "replay",
                    &queue,
                    "--id",
                    "1",
                    "--id",
                    "2",
                    "--reason",
                    "permanent",
                    "--older-than",
                    "7d",
                    "--dry-run",
                ],
                Command::Dlq(DlqCommand::Replay {
                    queue: queue.clone(),
                    selection: all().id("1").id("2").reason("permanent").older_than(Duration::from_hours(7 * 24)),
                    dry_run: true,
                }),
            ),
            (
                &["dlq", "purge", &queue, "--reason", "a", "--reason", "b", "--yes"],
                Command::Dlq(DlqCommand::Purge {
                    queue: queue.clone(),
                    selection: all().reason("a").reason("b"),
                    dry_run: false,
                    yes: true,
                }),
            ),
        ] {
            assert_eq!(line(words), Ok(expected), "{words:?}");
        }
    }

    #[test]
    fn operators_mistakes_say_what_to_write() {
        for (words, expected) in [
            (&["topology"] as &[&str], "`topology` needs one of plan, apply, prune; write `topology plan`"),
            (&["topology", "pln"], "`topology` does not take `pln`; did you mean `plan`?"),
            (&["topology", "plan", "now"], "`topology plan` does not take `now`"),
            (&["topology", "plan", "--yes"], "there is no option `--yes` of `topology plan`"),
            (&["topology", "prune", "--yes=no"], "--yes"),
            (&["topology", "prune", "--yes", "--yes"], "`--yes` is given twice"),
            (&["topology", "prune", "--with-messages", "a b"], "white space"),
            (&["migrate", "now"], "`migrate` does not take `now`"),
            (&["transactions"], "`transactions` needs one of list, resolve"),
            (&["transactions", "list", "now"], "`transactions list` does not take `now`"),
            (&["outbox"], "`outbox` needs one of list, replay"),
            (&["outbox", "replay"], "`outbox replay` does not say which publications"),
            (&["outbox", "replay", "--all", "--row", "1"], "`--all` stands beside `--row`"),
            (&["outbox", "replay", "--row", "x"], "`--row` is `x`; write the number"),
            (&["dlq"], "`dlq` needs one of list, show, replay, purge"),
            (&["dlq", "lsit"], "did you mean `list`?"),
            (&["dlq", "--json", "show"], "there is no option `--json` of `dlq`"),
            (&["dlq", "show"], "`dlq show` needs a dead-letter queue; write `dlq show QUEUE`"),
            (&["dlq", "show", "a", "b"], "`dlq show` does not take `b`"),
            (&["dlq", "show", "a", "--limit", "0"], "`--limit` is `0`; write a whole number from 1"),
            (&["dlq", "show", "a", "--all"], "there is no option `--all` of `dlq show`"),
            (&["dlq", "replay", "a"], "`dlq replay` does not say which dead letters; write `--id ID`"),
            (&["dlq", "purge", "a", "--yes"], "`dlq purge` does not say which dead letters"),
            (&["dlq", "replay", "a", "--all", "--id", "1"], "`--all` stands beside `--id`"),
            (&["dlq", "replay", "a", "--older-than", "7"], "`--older-than`: `7` has no unit"),
            (&["dlq", "replay", "amq.x", "--all"], "`amq.`"),
        ] {
            let error = line(words).expect_err("it is refused");
            assert!(error.contains(expected), "{words:?}: {error}");
        }
    }
}
