//! Values of the keys of `[transport.NAME]`.

use std::{fmt, time::Duration};

use swit_grammar::{Fault, limits::MAX_TOPIC};

use super::QueueType;
use crate::{app::config::read::Given, text::Text};

/// What the longest name that is made of an exchange's adds to it.
const LONGEST_SUFFIX: usize = ".delay.12h".len();
/// Most publications of one connection that are on their way at once.
const MAX_WINDOW: u32 = 1_000_000;
/// More deliveries of one message than anybody means.
const MAX_DELIVERY_LIMIT: u32 = 1_000_000;

/// The url of a management API as it was written. It may hold a password, and shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct ManagementUrl(Text);

impl ManagementUrl {
    /// All of it: for the client that asks, never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ManagementUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManagementUrl(***)")
    }
}

impl Given<'_> {
    /// A url. Whether it is one that can be used depends on other keys.
    pub(in crate::app::config) fn management(&self) -> Result<ManagementUrl, Fault> {
        let url = self.text()?.trim();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Fault::new("this is no url of a management API", ""));
        }
        Ok(ManagementUrl(url.into()))
    }

    /// The name of an exchange of the service's own, to which names of further ones are added.
    pub(in crate::app::config) fn exchange(&self) -> Result<Text, Fault> {
        let name = self.text()?.trim();
        let longest = MAX_TOPIC - LONGEST_SUFFIX;
        if name.is_empty() || name.len() > longest {
            return Err(Fault::new(format!("the name has {} bytes, of 1 to {longest}", name.len()), ""));
        }
        if name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            let why = format!("the name `{}` holds white space or a control character", name.escape_debug());
            return Err(Fault::new(why, ""));
        }
        if name.starts_with("amq.") || ["swit.dead", "swit.discarded"].contains(&name) {
            return Err(Fault::new(format!("the exchange `{name}` has another purpose"), "choose another name"));
        }
        Ok(name.into())
    }

    pub(in crate::app::config) fn queue_type(&self) -> Result<QueueType, Fault> {
        match self.text()?.trim() {
            "quorum" => Ok(QueueType::Quorum),
            "classic" => Ok(QueueType::Classic),
            other => Err(Fault::new(format!("`{}` is not a kind of queue", other.escape_debug()), "")),
        }
    }

    pub(in crate::app::config) fn delivery_limit(&self) -> Result<u32, Fault> {
        self.within(1, MAX_DELIVERY_LIMIT)
    }

    pub(in crate::app::config) fn window(&self) -> Result<usize, Fault> {
        // From 32 bits.
        self.within(1, MAX_WINDOW).map(|number| number as usize)
    }

    /// A time between heartbeats, which the protocol counts in whole seconds.
    pub(in crate::app::config) fn heartbeat(&self) -> Result<Duration, Fault> {
        let heartbeat = self.duration()?;
        if heartbeat.subsec_nanos() > 0 || heartbeat.as_secs() > u64::from(u16::MAX) {
            let text = swit_grammar::duration::format(heartbeat);
            return Err(Fault::new(format!("`{text}` is not whole seconds from 1 to 65535"), ""));
        }
        Ok(heartbeat)
    }

    /// The path of a file. Whether it is there is seen where it is read.
    pub(in crate::app::config) fn path(&self) -> Result<Text, Fault> {
        let path = self.text()?.trim();
        if path.is_empty() || path.contains('\0') {
            return Err(Fault::new("this is not the path of a file", ""));
        }
        Ok(path.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::app::config::{Known, Layers};

    #[test]
    fn values_out_of_range_are_refused() {
        let refused = |key: &str, value: toml::Value| {
            let layers = Layers::none()
                .set("transport.default.url", "amqps://localhost")
                .set(format!("transport.default.{key}"), value);
            let (_, faults) = layers.read(&Known::default());
            faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("; ")
        };
        for (key, value, why) in [
            ("exchange", toml::Value::from(""), "the name has 0 bytes"),
            ("exchange", "x".repeat(246).into(), "the name has 246 bytes, of 1 to 245"),
            ("exchange", "a b".into(), "holds white space"),
            ("exchange", "amq.topic".into(), "has another purpose"),
            ("exchange", "swit.dead".into(), "has another purpose"),
            ("queues", "stream".into(), "`stream` is not a kind of queue"),
            ("queues", true.into(), "`true` is not text"),
            ("declare", "no".into(), "text is not `true` or `false`"),
            ("delivery_limit", 0.into(), "0 is not between 1 and"),
            ("heartbeat", "1500ms".into(), "is not whole seconds"),
            ("heartbeat", "20h".into(), "is not whole seconds"),
            ("heartbeat", 10.into(), "the number 10 is not text"),
            ("connect_timeout", "0s".into(), "`0s` is zero"),
            ("confirm_timeout", "soon".into(), "is not a duration"),
            ("window", 0.into(), "0 is not between 1 and"),
            ("window", 1_000_001.into(), "is not between 1 and"),
            ("ack_limit", "31d".into(), "longer than thirty days"),
            ("allow_plaintext", 1.into(), "the number 1 is not"),
            ("ca_file", " ".into(), "not the path of a file"),
            ("key_file", "a\0b".into(), "not the path of a file"),
            ("management", "localhost:15672".into(), "no url of a management API"),
        ] {
            let fault = refused(key, value);
            assert!(fault.contains(why) && fault.contains(&format!("`transport.default.{key}`")), "{key}: {fault}");
        }
        for (key, value) in [
            ("exchange", toml::Value::from("x".repeat(245))),
            ("queues", "classic".into()),
            ("heartbeat", "65535s".into()),
            ("delivery_limit", 1.into()),
            ("window", 1_000_000.into()),
        ] {
            assert_eq!(refused(key, value), "", "{key}");
        }
    }
}
