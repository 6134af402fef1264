//! How much is measured.

use std::time::Duration;

/// The amounts of one run.
#[derive(Debug, Clone)]
pub(crate) struct Effort {
    /// Rounds that count; one more goes before them and warms up.
    pub(crate) rounds: usize,
    /// Messages a round.
    pub(crate) messages: u64,
    /// Messages that wait for a slow handler while its memory is measured.
    pub(crate) backlog: u64,
    /// How long a round of the latency part is.
    pub(crate) second: Duration,
    pub(crate) json: bool,
    only: Vec<String>,
}

impl Effort {
    /// What the arguments ask for. `cargo bench` passes `--bench`; without it this is `cargo test`, which only wants to
    /// see that it still runs.
    pub(crate) fn from(arguments: &[String]) -> Self {
        let has = |name: &str| arguments.iter().any(|argument| argument == name);
        let value = |name: &str| {
            let at = arguments.iter().position(|argument| argument == name)?;
            Some(arguments.get(at + 1).expect("an option with a value").clone())
        };
        let number = |name: &str| value(name).map(|text| text.parse::<u64>().expect("a number"));
        let (rounds, messages, backlog, millis) = match (has("--bench"), has("--quick")) {
            (false, _) => (1, 300, 2_000, 100),
            (true, true) => (3, 5_000, 50_000, 1_000),
            (true, false) => (7, 50_000, 1_000_000, 2_000),
        };
        Self {
            rounds: number("--rounds").map_or(rounds, |rounds| usize::try_from(rounds).expect("a small number")),
            messages: number("--messages").unwrap_or(messages),
            backlog: number("--backlog").unwrap_or(backlog),
            second: Duration::from_millis(millis),
            json: has("--json"),
            only: value("--only").map(|parts| parts.split(',').map(str::to_owned).collect()).unwrap_or_default(),
        }
    }

    pub(crate) fn includes(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    /// The numbers of the rounds: round 0 warms up.
    pub(crate) fn all_rounds(&self) -> std::ops::RangeInclusive<usize> {
        0..=self.rounds
    }
}
