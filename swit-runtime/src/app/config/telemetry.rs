//! `[telemetry]`: what a service shows of itself, and how.

use swit_grammar::Fault;
use tracing_subscriber::filter::Targets;

use super::{
    Set,
    keys::{Key, keys},
    read::{Given, put},
};
use crate::text::Text;

/// `[telemetry]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TelemetrySettings {
    /// The form of the log.
    pub log: Option<Set<LogFormat>>,
    /// What is logged, as `RUST_LOG` says it.
    pub level: Option<Set<Text>>,
}

keys! {
    /// `[telemetry]`.
    TELEMETRY of TelemetrySettings:
    log by log_format, "\"auto\", \"human\", \"json\" or \"off\"";
    level by level, "a level (\"error\", \"warn\", \"info\", \"debug\", \"trace\", \"off\"), or levels by target, such as \"info,swit_runtime=debug\"";
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogFormat {
    /// Human on a terminal, else JSON.
    #[default]
    Auto,
    /// A line a person reads.
    Human,
    /// A JSON object a line.
    Json,
    /// None.
    Off,
}

impl Given<'_> {
    fn log_format(&self) -> Result<LogFormat, Fault> {
        let text = self.text()?.trim();
        match text {
            "auto" => Ok(LogFormat::Auto),
            "human" => Ok(LogFormat::Human),
            "json" => Ok(LogFormat::Json),
            "off" => Ok(LogFormat::Off),
            _ => Err(Fault::new(format!("`{}` is not a form of the log", text.escape_debug()), "")),
        }
    }

    fn level(&self) -> Result<Text, Fault> {
        let text = self.text()?.trim();
        match levels(text) {
            Some(_) => Ok(text.into()),
            None => Err(Fault::new(format!("`{}` says no levels", text.escape_debug()), "")),
        }
    }
}

/// Levels by target, as `RUST_LOG` has them; `None`: it says none.
///
/// A word that stands alone has to be a level: a target that stands alone would mean all of it and nothing else, which is
/// what a mistyped level would then be.
pub(in crate::app) fn levels(text: &str) -> Option<Targets> {
    let is_level = |word: &str| {
        ["error", "warn", "info", "debug", "trace", "off"].iter().any(|level| level.eq_ignore_ascii_case(word.trim()))
    };
    let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
    if parts().next().is_none() || parts().any(|part| !is_level(part.rsplit('=').next().unwrap_or_default())) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Known, Layers};
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        for (key, said) in [
            ("log = 'xml'", "`telemetry.log`: `xml` is not a form of the log; write \"auto\""),
            ("level = 'inof'", "`telemetry.level`: `inof` says no levels; write a level"),
            ("level = 'swit_runtime=loud'", "says no levels"),
            ("level = ''", "says no levels"),
            ("leval = 'info'", "there is no key `leval`; did you mean `level`?"),
        ] {
            let (_, faults) = Layers::none().text("swit.toml", format!("[telemetry]\n{key}")).read(&Known::default());
            let faults: Vec<_> = faults.iter().map(|fault| format!("{}; {}", fault.message, fault.help)).collect();
            assert!(faults.len() == 1 && faults[0].contains(said), "{key}: {faults:?}");
        }
        let text = "[telemetry]\nlog = 'json'\nlevel = 'info,swit_runtime=debug'";
        let (settings, faults) = Layers::none().text("swit.toml", text).read(&Known::default());
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(settings.telemetry.log.map(|set| set.value), Some(LogFormat::Json));
        assert_eq!(settings.telemetry.level.map(|set| set.value), Some("info,swit_runtime=debug".into()));
    }
}
