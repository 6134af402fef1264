//! The address of a transport, which may hold a password and therefore never shows itself whole.

mod amqp;
mod parameters;
mod redact;

use std::{fmt, time::Duration};

use swit_grammar::Fault;

use self::parameters::Parameters;
pub(super) use self::redact::redact;

#[cfg(feature = "rabbitmq")]
const HELP: &str = "write `memory://`, `memory://?capacity=1000` or `amqps://user:password@host:5671/vhost`";
#[cfg(not(feature = "rabbitmq"))]
const HELP: &str = "write `memory://` or `memory://?capacity=1000`";

/// What a transport is, as its url's scheme says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TransportKind {
    /// The embedded transport.
    #[default]
    Memory,
    /// RabbitMQ.
    RabbitMq,
}

/// The address of a transport. `Debug` and `Display` show it without its password; [`Url::expose`] shows all.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    text: String,
    kind: TransportKind,
    parameters: Parameters,
}

impl Url {
    /// Reads an address.
    ///
    /// # Errors
    /// No scheme, a scheme whose transport is not there, an unknown parameter, characters that have to be escaped. The
    /// fault shows no password.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        let shown = redact(text);
        if text.is_empty() {
            return Err(Fault::new("the url is empty", HELP));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            // It may be anything, a password too.
            return Err(Fault::new("what is written is not a url", HELP));
        };
        let (kind, parameters) = match scheme.to_ascii_lowercase().as_str() {
            "memory" => (TransportKind::Memory, memory(rest)),
            "amqp" | "amqps" => (TransportKind::RabbitMq, amqp::read(text, rest)),
            _ => return Err(Fault::new(format!("`{shown}` names no transport that is compiled in"), HELP)),
        };
        let parameters =
            parameters.map_err(|fault| Fault { message: format!("`{shown}`: {}", fault.message), ..fault })?;
        Ok(Self { text: text.to_owned(), kind, parameters })
    }

    /// The whole address, password included: for the client that connects, never for a log.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What it is the address of.
    pub fn kind(&self) -> TransportKind {
        self.kind
    }

    /// Whether what travels there and back is encrypted: `amqps`.
    pub fn is_encrypted(&self) -> bool {
        self.text.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("amqps:"))
    }

    /// `capacity` of a memory url: most messages of a queue.
    pub fn capacity(&self) -> Option<usize> {
        self.parameters.capacity
    }

    /// `heartbeat` of an AMQP url.
    pub fn heartbeat(&self) -> Option<Duration> {
        self.parameters.heartbeat
    }

    /// `connection_timeout` of an AMQP url.
    pub fn connect_timeout(&self) -> Option<Duration> {
        self.parameters.connect_timeout
    }

    /// The whole address without the parameters that are keys as well, of which one has to win.
    #[cfg(feature = "rabbitmq")]
    pub(super) fn expose_bare(&self) -> String {
        let (place, query) = self.text.split_once('?').unwrap_or((&self.text, ""));
        let own =
            |pair: &&str| ["heartbeat", "connection_timeout"].iter().any(|name| pair.split('=').next() == Some(name));
        let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !own(pair)).collect();
        if kept.is_empty() { place.to_owned() } else { format!("{place}?{}", kept.join("&")) }
    }
}

fn memory(rest: &str) -> Result<Parameters, Fault> {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !matches!(place, "" | "/") {
        return Err(Fault::new("the memory transport has no host and no path", HELP));
    }
    Parameters::read(query, parameters::MEMORY, "a memory url")
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.text))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&redact(&self.text), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_urls() {
        assert_eq!(Url::parse("memory://").map(|url| url.capacity()), Ok(None));
        let url = Url::parse(" MEMORY://?capacity=1000 ").expect("a url");
        assert_eq!(
            (url.capacity(), url.kind(), url.expose()),
            (Some(1000), TransportKind::Memory, "MEMORY://?capacity=1000")
        );
        for (bad, why) in [
            ("", "empty"),
            ("memory", "not a url"),
            ("memory://host", "no host"),
            ("memory://?capacity=0", "takes a whole number from 1"),
            ("memory://?capacity=1&capacity=2", "is given twice"),
            ("memory://?capactiy=1", "not a parameter"),
            ("memory://?heartbeat=1", "not a parameter"),
            ("kafka://localhost", "no transport"),
        ] {
            let fault = Url::parse(bad).expect_err(bad);
            assert!(fault.message.contains(why), "{bad}: {fault}");
        }
        assert!(Url::parse("memory://?capactiy=1").expect_err("a fault").help.contains("did you mean `capacity`?"));
    }

    #[test]
    fn passwords_are_never_shown() {
        for text in [
            "amqp://user:hunter2@host/vhost",
            "amqps://user:hunter2@host:5671/vhost?heartbeat=5",
            "AMQPS://user:hunter2@host",
            "amqp://user:%68unter2hunter2@host/v%2fhost",
            "amqps://user:100%hunter2@host",
            "amqp://:hunter2@host",
            "amqp://user:hunt@er2hunter2@host",
            "amqp://user:a/hunter2?x@host",
            "amqp://user:a#hunter2@host",
            "amqp://user:5672/hunter2@host",
            "amqp://user:5672?hunter2@host",
            "amqp://user:hunter2",
            "amqp://user:hunter2/vhost",
            "amqp://user:hunter2@",
            "amqp://user:hunter2@host?hartbeat=1",
            "amqp://user:hunter2@host:port",
            "amqp://user: hunter2@host",
            "user:hunter2@host",
            "user:hunter2",
            "hunter2",
            "amqp://host?password=hunter2",
            "amqp://host?heartbeat=hunter2",
            "amqp://host?auth_mechanism=hunter2",
            "user:hunter2@amqp://host",
            "memory://user:hunter2@",
            "memory://?token=hunter2",
        ] {
            let said = match Url::parse(text) {
                Ok(url) => format!("{url} {url:?}"),
                Err(fault) => fault.to_string(),
            };
            assert!(!said.contains("hunter2"), "{text}: {said}");
            let unchecked = Url { text: text.into(), kind: TransportKind::Memory, parameters: Parameters::default() };
            assert!(
                text == "hunter2" || text == "user:hunter2" || !format!("{unchecked:?}").contains("hunter2"),
                "{text}"
            );
        }
    }

    #[cfg(feature = "rabbitmq")]
    #[test]
    fn what_a_key_may_override_is_taken_out() {
        for (text, bare) in [
            ("amqp://u:p%3f@h/v", "amqp://u:p%3f@h/v"),
            ("amqp://u:p@h/v?heartbeat=5&connection_timeout=100", "amqp://u:p@h/v"),
            ("amqp://u:p@h?frame_max=8192&heartbeat=5", "amqp://u:p@h?frame_max=8192"),
        ] {
            assert_eq!(Url::parse(text).expect(text).expose_bare(), bare);
        }
    }
}
