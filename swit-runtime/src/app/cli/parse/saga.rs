//! The commands of `saga`: words, options and what they mean.

use super::{Line, refuse, text};
use crate::{
    app::{
        cli::{SagaCommand, SagaInstance},
        suggest::suggest,
    },
    error::Error,
    store::{SagaFilter, SagaState},
};

impl Line {
    pub(super) fn saga(&mut self, command: &str) -> Result<SagaCommand, Error> {
        Ok(match command {
            "saga list" => {
                let saga = self.take_text("saga")?.map(Into::into);
                let filter = SagaFilter { saga, state: self.state()?, parked: self.flag("parked") };
                SagaCommand::List { filter, limit: self.limit()?, json: self.flag("json") }
            }
            "saga show" => SagaCommand::Show { instance: self.instance(command)?, json: self.flag("json") },
            "saga resume" => SagaCommand::Resume(self.instance(command)?),
            "saga cancel" => SagaCommand::Cancel(self.instance(command)?),
            _ => SagaCommand::Compensate(self.instance(command)?),
        })
    }

    fn state(&mut self) -> Result<Option<SagaState>, Error> {
        let Some(word) = self.take_text("state")? else { return Ok(None) };
        let found = SagaState::parse(&word);
        found.map(Some).ok_or_else(|| {
            let help = suggest(&word, SagaState::ALL.iter().map(|state| state.as_str()), "states: ");
            refuse(format!("there is no state `{}`", word.escape_debug()), &help)
        })
    }

    fn instance(&mut self, command: &str) -> Result<SagaInstance, Error> {
        if self.values.len() < 2 {
            let help = format!("write `{command} NAME KEY`; `saga list` names them");
            return Err(refuse(format!("`{command}` needs the name of a saga and the key of an instance"), &help));
        }
        let saga = text("the saga's name", self.values.remove(0))?;
        Ok(SagaInstance { saga, key: text("the key", self.values.remove(0))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::cli::{Command, parse};

    fn line(words: &[&str]) -> Result<SagaCommand, String> {
        match parse(words.iter().map(Into::into)) {
            Ok(line) => match line.command {
                Command::Saga(command) => Ok(command),
                other => Err(format!("{other:?}")),
            },
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn commands_of_sagas_are_understood() {
        let instance = || SagaInstance { saga: "place-order".into(), key: "-7".into() };
        let list = |filter, limit, json| SagaCommand::List { filter, limit, json };
        for (words, expected) in [
            (&["saga", "list"] as &[&str], list(SagaFilter::default(), 20, false)),
            (
                &["saga", "list", "--saga", "a", "--state=step_completed", "--parked", "--limit", "3", "--json"],
                list(
                    SagaFilter { saga: Some("a".into()), state: Some(SagaState::StepCompleted), parked: true },
                    3,
                    true,
                ),
            ),
            (
                &["saga", "show", "place-order", "--json", "--", "-7"],
                SagaCommand::Show { instance: instance(), json: true },
            ),
            (&["saga", "resume", "place-order", "--", "-7"], SagaCommand::Resume(instance())),
            (&["saga", "cancel", "--", "place-order", "-7"], SagaCommand::Cancel(instance())),
            (&["saga", "compensate", "place-order", "--", "-7"], SagaCommand::Compensate(instance())),
        ] {
            assert_eq!(line(words), Ok(expected), "{words:?}");
        }
    }

    #[test]
    fn mistakes_about_sagas_say_what_to_write() {
        for (words, expected) in [
            (&["saga"] as &[&str], "`saga` needs one of list, show, resume, cancel, compensate; write `saga list`"),
            (&["saga", "resme"], "`saga` does not take `resme`; did you mean `resume`?"),
            (&["sagas"], "there is no command `sagas`; did you mean `saga`?"),
            (
                &["saga", "list", "--state", "step-completed"],
                "there is no state `step-completed`; did you mean `step_completed`?",
            ),
            (&["saga", "list", "--state", "running", "--state", "failed"], "`--state` is given twice"),
            (&["saga", "list", "--sage", "x"], "there is no option `--sage` of `saga list`; did you mean `--saga`?"),
            (&["saga", "list", "--limit", "0"], "`--limit` is `0`; write a whole number from 1"),
            (&["saga", "list", "place-order"], "`saga list` does not take `place-order`"),
            (
                &["saga", "show", "place-order"],
                "`saga show` needs the name of a saga and the key of an instance; write `saga show NAME KEY`",
            ),
            (&["saga", "cancel", "place-order", "7", "8"], "`saga cancel` does not take `8`"),
            (&["saga", "cancel", "place-order", "7", "--json"], "there is no option `--json` of `saga cancel`"),
        ] {
            let error = line(words).expect_err("it is refused");
            assert!(error.contains(expected), "{words:?}: {error}");
        }
    }
}
