//! What stands behind the `?` of an address.

use std::time::Duration;

#[cfg(feature = "rabbitmq")]
use swit_grammar::limits::MAX_DURATION;
use swit_grammar::{Fault, nearest::nearest};

/// What the parameters of an address say that swit itself looks at.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Parameters {
    pub(super) capacity: Option<usize>,
    pub(super) heartbeat: Option<Duration>,
    pub(super) connect_timeout: Option<Duration>,
}

/// A parameter that an address may have.
pub(super) struct Parameter {
    name: &'static str,
    /// What it takes, for the fault: «takes …».
    takes: &'static str,
    /// Reads its value. `None`: it is not one.
    set: fn(&mut Parameters, &str) -> Option<()>,
}

/// Of `memory://`.
pub(super) const MEMORY: &[Parameter] = &[Parameter {
    name: "capacity",
    takes: "a whole number from 1",
    set: |parameters, value| {
        parameters.capacity = Some(value.parse().ok().filter(|number| *number > 0)?);
        Some(())
    },
}];

/// Of `amqp://` and `amqps://`: what the [specification](https://www.rabbitmq.com/docs/uri-query-parameters) names and
/// the client library knows. Those that swit does not look at travel in the address itself.
#[cfg(feature = "rabbitmq")]
pub(super) const AMQP: &[Parameter] = &[
    Parameter {
        name: "heartbeat",
        takes: "whole seconds from 1 to 65535; without heartbeats nobody would notice a dead connection",
        set: |parameters, value| {
            let seconds: u16 = value.parse().ok().filter(|seconds| *seconds > 0)?;
            parameters.heartbeat = Some(Duration::from_secs(u64::from(seconds)));
            Some(())
        },
    },
    Parameter {
        name: "connection_timeout",
        takes: "milliseconds from 1, at most thirty days",
        set: |parameters, value| {
            let timeout = Duration::from_millis(value.parse().ok()?);
            parameters.connect_timeout = Some(timeout).filter(|timeout| !timeout.is_zero() && *timeout <= MAX_DURATION);
            parameters.connect_timeout.map(|_| ())
        },
    },
    Parameter {
        name: "frame_max",
        takes: "bytes from 4096, or 0 for no limit",
        set: |_, value| value.parse().ok().filter(|bytes: &u32| *bytes == 0 || *bytes >= 4096).map(|_| ()),
    },
    Parameter {
        name: "channel_max",
        takes: "a whole number from 0 (no limit) to 65535",
        set: |_, value| value.parse().ok().map(|_: u16| ()),
    },
    Parameter {
        name: "auth_mechanism",
        takes: "`plain`, `amqplain`, `external`, `anonymous` or `rabbit-cr-demo`",
        set: |_, value| {
            let known = ["plain", "amqplain", "external", "anonymous", "rabbit-cr-demo"];
            known.contains(&value.to_ascii_lowercase().as_str()).then_some(())
        },
    },
];

impl Parameters {
    /// Reads a query. No fault shows a value.
    pub(super) fn read(query: &str, known: &[Parameter], what: &str) -> Result<Self, Fault> {
        let mut read = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        let names = || known.iter().map(|parameter| parameter.name);
        let list = || format!("parameters: `{}`", names().collect::<Vec<_>>().join("`, `"));
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(parameter) = known.iter().find(|parameter| parameter.name == name) else {
                let near = nearest(name, names()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                let message = format!("`{}` is not a parameter of {what}", name.escape_debug());
                return Err(Fault::new(message, near + &list()));
            };
            if seen.contains(&name) {
                return Err(Fault::new(format!("`{name}` is given twice"), "remove one"));
            }
            seen.push(name);
            if (parameter.set)(&mut read, value).is_none() {
                return Err(Fault::new(format!("`{name}` takes {}", parameter.takes), "correct it, or remove it"));
            }
        }
        Ok(read)
    }
}

#[cfg(all(test, feature = "rabbitmq"))]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_amqp() {
        let read = |query: &str| Parameters::read(query, AMQP, "an AMQP url");
        let all = "heartbeat=5&connection_timeout=1500&frame_max=131072&channel_max=0&auth_mechanism=EXTERNAL";
        let parameters = read(all).expect("all known");
        assert_eq!(parameters.heartbeat, Some(Duration::from_secs(5)));
        assert_eq!(parameters.connect_timeout, Some(Duration::from_millis(1500)));
        for bad in [
            "heartbeat=0",
            "heartbeat=65536",
            "heartbeat",
            "heartbeat=5s",
            "connection_timeout=0",
            "connection_timeout=99999999999999999999",
            "connection_timeout=18446744073709551615",
            "frame_max=4095",
            "frame_max=-1",
            "channel_max=65536",
            "auth_mechanism=kerberos",
            "capacity=5",
            "heartbeat=5&heartbeat=5",
            "Heartbeat=5",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let fault = read("hartbeat=5").map(|_| ()).expect_err("unknown");
        assert!(fault.help.starts_with("did you mean `heartbeat`? parameters: `heartbeat`, `connection"), "{fault}");
    }
}
