//! Which keys apply to what a transport is: a key that would do nothing is a fault.

use super::{QueueType, TransportSettings};
use crate::{
    app::config::{Origin, Set, TransportKind},
    error::StartupFault,
};

/// Collects the faults of one transport.
struct Refusing<'a> {
    name: &'a str,
    faults: Vec<StartupFault>,
}

impl Refusing<'_> {
    /// Refuses a key, which is taken out: what depends on it is checked as if nobody had set it.
    fn refuse<T>(&mut self, key: &str, slot: &mut Option<Set<T>>, because: Option<&Origin>, why: &str, help: String) {
        let Some(set) = slot.take() else { return };
        // Of two that disagree, the later one is named.
        let because = because.filter(|other| other.rank() > set.origin.rank());
        let message = format!("`transport.{}.{key}`: {why}", self.name);
        self.faults.push(StartupFault::new(because.unwrap_or(&set.origin), message, help));
    }
}

macro_rules! refuse {
    ($refusing:ident, $settings:ident, [$($key:ident)*], $why:expr, $help:expr) => {
        $($refusing.refuse(stringify!($key), &mut $settings.$key, None, &$why(stringify!($key)), $help.into());)*
    };
}

impl TransportSettings {
    /// Refuses what does not apply to what the transport `name` is, or to what else is said of it.
    pub(in crate::app::config) fn check(&mut self, name: &str) -> Vec<StartupFault> {
        let mut refusing = Refusing { name, faults: Vec::new() };
        let own = &mut refusing;
        match self.kind() {
            TransportKind::Memory => {
                let why = |key| format!("`{key}` is a key of RabbitMQ, and `{name}` is a memory transport");
                let help = format!("remove it, or set `transport.{name}.url` to an `amqps://` url");
                refuse!(
                    own, self,
                    [exchange queues declare delivery_limit heartbeat connect_timeout confirm_timeout window ack_limit
                        allow_plaintext ca_file cert_file key_file management],
                    why, help.as_str()
                );
            }
            TransportKind::RabbitMq => {
                let why = |key| format!("`{key}` is a key of the memory transport, and `{name}` is RabbitMQ");
                refuse!(
                    own,
                    self,
                    [capacity],
                    why,
                    "remove it; the broker's own policies say how long its queues may be"
                );
                self.check_delivery_limit(own);
                self.check_certificates(own);
                #[cfg(feature = "rabbitmq")]
                refusing.faults.extend(self.plaintext(name).into_iter().chain(self.management_fault(name)));
            }
        }
        refusing.faults
    }

    /// The limit is an argument of quorum queues, when they are made.
    fn check_delivery_limit(&mut self, own: &mut Refusing<'_>) {
        let classic = self.queues.as_ref().filter(|queues| queues.value == QueueType::Classic);
        let undeclared = self.declare.as_ref().filter(|declare| !declare.value);
        let (why, because) = match (classic, undeclared) {
            (Some(queues), _) => ("classic queues count no deliveries", &queues.origin),
            (None, Some(declare)) => {
                ("it is given to queues when they are made, and `declare` is false", &declare.origin)
            }
            (None, None) => return,
        };
        own.refuse("delivery_limit", &mut self.delivery_limit, Some(because), why, "remove it".into());
    }

    /// Certificates are for `amqps://`, and a certificate is nothing without its key.
    fn check_certificates(&mut self, own: &mut Refusing<'_>) {
        let Some(url) = &self.url else { return };
        if !url.value.is_encrypted() {
            let origin = Some(&url.origin);
            let why = "certificates are for `amqps://`, and the url says `amqp://`";
            let help = || "correct the url, or remove the key".to_owned();
            own.refuse("ca_file", &mut self.ca_file, origin, why, help());
            own.refuse("cert_file", &mut self.cert_file, origin, why, help());
            own.refuse("key_file", &mut self.key_file, origin, why, help());
        }
        let table = format!("transport.{}", own.name);
        if self.key_file.is_none() {
            let help = format!("set `{table}.key_file` to the file of the certificate's key");
            own.refuse("cert_file", &mut self.cert_file, None, "there is no `key_file` with it", help);
        } else if self.cert_file.is_none() {
            let help = format!("set `{table}.cert_file` to the file of the key's certificate");
            own.refuse("key_file", &mut self.key_file, None, "there is no `cert_file` with it", help);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::app::config::{Known, Layers};

    fn faults(layers: &Layers) -> Vec<String> {
        let (_, faults) = layers.read(&Known::default());
        faults.iter().map(|fault| format!("{}: {}; {}", fault.location, fault.message, fault.help)).collect()
    }

    #[test]
    fn no_key_of_another_kind_is_accepted() {
        for (key, value) in [
            ("exchange", toml::Value::from("x")),
            ("queues", "quorum".into()),
            ("declare", true.into()),
            ("delivery_limit", 5.into()),
            ("heartbeat", "5s".into()),
            ("connect_timeout", "5s".into()),
            ("confirm_timeout", "5s".into()),
            ("window", 5.into()),
            ("ack_limit", "5m".into()),
            ("allow_plaintext", false.into()),
            ("ca_file", "x".into()),
            ("cert_file", "x".into()),
            ("key_file", "x".into()),
            ("management", "http://localhost".into()),
        ] {
            let found = faults(&Layers::none().set(format!("transport.eu.{key}"), value));
            assert_eq!(found.len(), 1, "{found:?}");
            let expected = format!("builder: `transport.eu.{key}`: `{key}` is a key of RabbitMQ, and `eu` is a memory");
            assert!(found[0].starts_with(&expected), "{found:?}");
        }
    }

    #[cfg(feature = "rabbitmq")]
    #[test]
    fn what_would_do_nothing_is_refused() {
        for (text, expected) in [
            (
                "url = 'amqp://localhost'\ncapacity = 5",
                "swit.toml:3: `transport.mq.capacity`: `capacity` is a key of the",
            ),
            (
                "url = 'amqp://localhost'\nqueues = 'classic'\ndelivery_limit = 5",
                "swit.toml:4: `transport.mq.delivery_limit`: classic queues count no deliveries",
            ),
            (
                "url = 'amqp://localhost'\ndeclare = false\ndelivery_limit = 5",
                "swit.toml:4: `transport.mq.delivery_limit`: it is given to queues when they are made",
            ),
            (
                "url = 'amqp://localhost'\nca_file = 'ca.pem'",
                "swit.toml:3: `transport.mq.ca_file`: certificates are for `amqps://`",
            ),
            (
                "url = 'amqps://localhost'\ncert_file = 'c.pem'",
                "swit.toml:3: `transport.mq.cert_file`: there is no `key_file` with it; set `transport.mq.key_file`",
            ),
            (
                "url = 'amqps://localhost'\nkey_file = 'k.pem'",
                "swit.toml:3: `transport.mq.key_file`: there is no `cert_file` with it",
            ),
            (
                "url = 'amqp://app:hunter2@mq.example'",
                "swit.toml:2: `transport.mq.url`: `amqp://app:***@mq.example`: `amqp://` to a host other than this one \
                 sends password and messages in the clear; use `amqps://`, or say `allow_plaintext = true`",
            ),
            (
                "url = 'amqps://mq.example'\nmanagement = 'http://app:hunter2@mq.example:15672'",
                "swit.toml:3: `transport.mq.management`: `http://` to a host other than this one sends the password in \
                 the clear; use a tunnel",
            ),
            (
                "url = 'amqps://mq.example'\nmanagement = 'https://mq.example'",
                "swit.toml:3: `transport.mq.management`: the management API is not asked over TLS",
            ),
            (
                "url = 'amqp://app:hunter2@mq.example'\nallow_plaintext = false",
                "swit.toml:2: `transport.mq.url`: `amqp://app:***@mq.example`: `amqp://` to a host other",
            ),
        ] {
            let found = faults(&Layers::none().text("swit.toml", format!("[transport.mq]\n{text}")));
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with(expected), "{text}:\n  {}\n  {expected}", found[0]);
        }
        for text in [
            "url = 'amqp://app@mq.example'\nallow_plaintext = true",
            "url = 'amqp://localhost'\nallow_plaintext = true",
            "url = 'amqp://mq'\nmanagement = 'http://mq'\nallow_plaintext = true",
            "url = 'amqps://mq'\nmanagement = 'http://localhost:15672'",
            "url = 'amqps://mq.example'\nca_file = 'ca.pem'\ncert_file = 'c.pem'\nkey_file = 'k.pem'",
            "url = 'amqp://localhost'\ndeclare = false\nqueues = 'classic'",
        ] {
            assert_eq!(faults(&Layers::none().text("swit.toml", format!("[transport.mq]\n{text}"))), [""; 0], "{text}");
        }
    }

    #[cfg(feature = "rabbitmq")]
    #[test]
    fn the_later_of_two_that_disagree_is_named() {
        let layers = Layers::none()
            .text("swit.toml", "[transport.default]\nurl = 'amqp://localhost'\ndelivery_limit = 5")
            .environment([("SWIT_TRANSPORT__DEFAULT__QUEUES", "classic")]);
        let found = faults(&layers);
        let expected = "environment variable SWIT_TRANSPORT__DEFAULT__QUEUES: `transport.default.delivery_limit`";
        assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}");
    }

    #[test]
    fn a_url_that_is_refused_says_nothing_of_the_kind() {
        let found =
            faults(&Layers::none().text("swit.toml", "[transport.default]\nurl = 'amqp://a b'\nexchange = 'x'\n"));
        assert!(found.len() == 1 && found[0].starts_with("swit.toml:2: "), "{found:?}");
    }
}
