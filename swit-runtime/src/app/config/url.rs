//! The address of a transport, which may hold a password and therefore never shows itself whole.

use std::fmt;

use swit_grammar::{Fault, nearest::nearest};

const HELP: &str = "write `memory://` or `memory://?capacity=1000`";

/// The address of a transport. `Debug` and `Display` show it without its password; [`Url::expose`] shows all.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    text: String,
    capacity: Option<usize>,
}

impl Url {
    /// Reads an address.
    ///
    /// # Errors
    /// No scheme, a scheme whose transport is not there, an unknown parameter. The fault shows no password.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        let shown = redact(text);
        if text.is_empty() {
            return Err(Fault::new("the url is empty", HELP));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(Fault::new(format!("`{shown}` is not a url"), HELP));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "memory" => {}
            "amqp" | "amqps" => {
                return Err(Fault::new(format!("`{shown}`: the transport RabbitMQ is not available yet"), HELP));
            }
            _ => return Err(Fault::new(format!("`{shown}` names no transport that is compiled in"), HELP)),
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !matches!(place, "" | "/") {
            return Err(Fault::new(format!("`{shown}`: the memory transport has no host and no path"), HELP));
        }
        let mut capacity = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if name != "capacity" {
                let hint = match nearest(name, ["capacity"]) {
                    Some(near) => format!("did you mean `{near}`? {HELP}"),
                    None => HELP.into(),
                };
                return Err(Fault::new(format!("`{shown}`: `{name}` is not a parameter of a memory url"), hint));
            }
            let number = value.parse().ok().filter(|number| *number > 0);
            if number.is_none() || capacity.is_some() {
                return Err(Fault::new(format!("`{shown}`: `capacity` takes one number from 1"), HELP));
            }
            capacity = number;
        }
        Ok(Self { text: text.to_owned(), capacity })
    }

    /// The whole address, password included: for the client that connects, never for a log.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What stands before `://`, in lower case.
    pub fn scheme(&self) -> String {
        self.text.split("://").next().unwrap_or_default().to_ascii_lowercase()
    }

    /// `capacity` of a memory url: most messages of a queue.
    pub fn capacity(&self) -> Option<usize> {
        self.capacity
    }
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

/// An address without its password: `amqp://user:***@host`. Parameters other than a capacity are hidden whole.
///
/// Errs on the side of hiding: a password may hold `/`, `?` or `@` that should have been escaped, so everything up to
/// the last `@` counts as credentials.
fn redact(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
    let (credentials, rest) = rest.rsplit_once('@').map_or((None, rest), |(before, after)| (Some(before), after));
    let mut shown = String::new();
    if let Some(scheme) = scheme {
        // Credentials before a misplaced `://` are still credentials.
        shown += scheme.rsplit_once('@').map_or(scheme, |(_, scheme)| scheme);
        shown += "://";
    }
    if let Some(credentials) = credentials {
        match (scheme, credentials.split_once(':')) {
            (Some(_), Some((user, _))) => shown.extend([user, ":***@"]),
            (Some(_), None) => shown.extend([credentials, "@"]),
            (None, _) => shown += "***@",
        }
    }
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    shown += place;
    for (number, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        shown.push(if number == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if name != "capacity" => shown.extend([name, "=***"]),
            _ => shown += pair,
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_urls() {
        assert_eq!(Url::parse("memory://").map(|url| url.capacity()), Ok(None));
        let url = Url::parse(" MEMORY://?capacity=1000 ").expect("a url");
        assert_eq!(
            (url.capacity(), url.scheme().as_str(), url.expose()),
            (Some(1000), "memory", "MEMORY://?capacity=1000")
        );
        for (bad, why) in [
            ("", "empty"),
            ("memory", "not a url"),
            ("memory://host", "no host"),
            ("memory://?capacity=0", "one number"),
            ("memory://?capacity=1&capacity=2", "one number"),
            ("memory://?capactiy=1", "not a parameter"),
            ("amqp://localhost", "RabbitMQ is not available yet"),
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
            "amqp://user:hunt@er2hunter2@host",
            "amqp://user:a/hunter2?x@host",
            "user:hunter2@host",
            "amqp://host?password=hunter2",
            "user:hunter2@amqp://host",
            "memory://user:hunter2@",
            "memory://?token=hunter2",
        ] {
            let fault = Url::parse(text).expect_err(text);
            assert!(!fault.to_string().contains("hunter2"), "{fault}");
            assert!(!format!("{:?}", Url { text: text.into(), capacity: None }).contains("hunter2"), "{text}");
        }
        assert_eq!(redact("amqp://user:pw@host:5672/v?capacity=5"), "amqp://user:***@host:5672/v?capacity=5");
        assert_eq!(redact("amqp://user@host"), "amqp://user@host");
    }
}
