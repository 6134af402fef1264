//! Commands to a running node.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Output, Stdio},
};

use super::{Broker, guardian::limited};

/// A command that the node refused or did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What was run.
    pub command: String,
    /// What came of it: both outputs, and the exit status.
    pub output: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` failed: {}", self.command, self.output)
    }
}

impl std::error::Error for Refused {}

impl Broker {
    /// Runs `rabbitmqctl` and answers what it printed. It takes about half a second, for it starts an Erlang of its own;
    /// [`eval`](Self::eval) takes milliseconds.
    #[track_caller]
    pub fn ctl(&self, arguments: &[&str]) -> String {
        self.try_ctl(arguments).unwrap_or_else(|refused| panic!("{refused}"))
    }

    /// [`ctl`](Self::ctl) where a failure is expected.
    ///
    /// # Errors
    /// [`Refused`], when the command fails or takes longer than a minute.
    pub fn try_ctl(&self, arguments: &[&str]) -> Result<String, Refused> {
        let mut command = self.node.ctl();
        command.arg("--quiet").args(arguments);
        let output = limited(60, &command).stdin(Stdio::null()).output().expect("`timeout` can be started");
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Refused { command: format!("rabbitmqctl {}", arguments.join(" ")), output: both(&output) })
    }

    /// Evaluates an Erlang expression in the node and answers the value as Erlang prints it, on one line.
    #[track_caller]
    pub fn eval(&self, erlang: &str) -> String {
        self.try_eval(erlang).unwrap_or_else(|refused| panic!("{refused}"))
    }

    /// [`eval`](Self::eval) where a failure is expected: of a node that is down, or of an expression that throws.
    ///
    /// # Errors
    /// [`Refused`], when there is no value or it takes longer than a minute.
    pub fn try_eval(&self, erlang: &str) -> Result<String, Refused> {
        let expression = erlang.trim().trim_end_matches('.');
        self.run(&format!("io:format(\"~0tp\", [begin {expression} end])"))
    }

    /// Runs an Erlang expression in the node and answers what it printed.
    pub(crate) fn run(&self, erlang: &str) -> Result<String, Refused> {
        self.run_within(60, erlang)
    }

    /// As [`run`](Self::run), for so many seconds at most.
    pub(crate) fn run_within(&self, seconds: u32, erlang: &str) -> Result<String, Refused> {
        let program = format!(
            "try {}, io:format(\"~nok\") catch SwitClass:SwitReason -> io:format(\"~nfailed by ~0tp\", [{{SwitClass, SwitReason}}]) end.\n",
            ascii(erlang)
        );
        let mut child = limited(seconds, &self.node.erl_call())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("`timeout` can be started");
        let mut stdin = child.stdin.take().expect("a piped input");
        // It may have ended already, for want of a node: its output says so.
        let _ = stdin.write_all(program.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("a child can be waited for");
        let text = String::from_utf8_lossy(&output.stdout);
        match text.strip_suffix("\nok") {
            Some(printed) if output.status.success() => Ok(printed.to_owned()),
            _ => Err(Refused { command: format!("eval {erlang}"), output: both(&output) }),
        }
    }
}

fn both(output: &Output) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let said = format!("{} {}", stdout.trim(), stderr.trim());
    let said = if said.trim().is_empty() { "no answer: is that Erlang?" } else { said.trim() };
    format!("{said} ({})", output.status)
}

/// Erlang that reads the same in whatever encoding: what is not ASCII becomes an escape, as strings may have.
fn ascii(erlang: &str) -> String {
    let mut text = String::with_capacity(erlang.len());
    for letter in erlang.chars() {
        if letter.is_ascii() {
            text.push(letter);
        } else {
            let _ = write!(text, "\\x{{{:x}}}", u32::from(letter));
        }
    }
    text
}

/// Text as an Erlang binary, whatever it holds.
pub(crate) fn binary(text: &str) -> String {
    let mut term = String::from("<<");
    for (at, byte) in text.bytes().enumerate() {
        let _ = write!(term, "{}{byte}", if at == 0 { "" } else { "," });
    }
    term + ">>"
}

#[cfg(test)]
mod tests {
    #[test]
    fn any_text_is_a_binary() {
        assert_eq!(super::binary("a\"é"), "<<97,34,195,169>>");
        assert_eq!(super::binary(""), "<<>>");
    }
}
