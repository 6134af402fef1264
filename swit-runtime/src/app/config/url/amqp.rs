//! Addresses of RabbitMQ: `amqp://user:password@host:port/vhost`
//! ([AMQP URI specification](https://www.rabbitmq.com/docs/uri-spec)).
//!
//! Stricter than the client library, which takes much for an address that was meant otherwise: a `/` in a password makes
//! a host of the user, and the rest of the password a virtual host that everybody may see.

use swit_grammar::Fault;

#[cfg(feature = "rabbitmq")]
use super::parameters;
use super::parameters::Parameters;

/// Reads the address `text`, of which `rest` follows the scheme.
#[cfg(feature = "rabbitmq")]
pub(super) fn read(text: &str, rest: &str) -> Result<Parameters, Fault> {
    use crate::transports::rabbitmq::Address;

    let escape = "write `@` as `%40`, `:` as `%3a`, `/` as `%2f`, `?` as `%3f`, `#` as `%23` and `%` as `%25`";
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let misplaced = rest[authority.len()..].contains('@') || authority.matches('@').count() > 1 || rest.contains('#');
    if misplaced || !is_escaped(place) {
        let message = "user, password or virtual host hold a character that has to be escaped";
        return Err(Fault::new(message, escape));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        // A parser of urls drops line ends and tabs silently.
        return Err(Fault::new("there is white space or a control character in it", "remove it, or escape it: `%20`"));
    }
    let parameters = Parameters::read(query, parameters::AMQP, "an AMQP url")?;
    // Whether it may be plain is another key's question.
    Address::parse(text, true).map_err(|error| super::super::transport::fault_of(&error))?;
    Ok(parameters)
}

#[cfg(not(feature = "rabbitmq"))]
pub(super) fn read(_text: &str, _rest: &str) -> Result<Parameters, Fault> {
    Err(Fault::new("RabbitMQ is not compiled in", "enable the feature `rabbitmq` of the crate `swit`"))
}

/// Whether every `%` begins an escape: others are taken literally by some and for an error by others.
#[cfg(feature = "rabbitmq")]
fn is_escaped(text: &str) -> bool {
    text.split('%').skip(1).all(|part| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(all(test, feature = "rabbitmq"))]
mod tests {
    use std::time::Duration;

    use crate::app::config::{TransportKind, Url};

    #[test]
    fn addresses_of_brokers() {
        for text in [
            "amqp://",
            "amqp://localhost",
            "AMQP://localhost",
            "amqp://user@localhost",
            "amqp://user:pa%40ss%2f@mq:5672/v%2fhost",
            "amqps://user:pw@mq.example/orders?heartbeat=5&frame_max=8192&auth_mechanism=external",
            "amqp://[::1]:5672/",
        ] {
            let url = Url::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
            assert_eq!((url.kind(), url.is_encrypted()), (TransportKind::RabbitMq, text.starts_with("amqps")));
        }
        let url = Url::parse("amqp://h?heartbeat=5&connection_timeout=250").expect("a url");
        assert_eq!(url.heartbeat(), Some(Duration::from_secs(5)));
        assert_eq!(url.connect_timeout(), Some(Duration::from_millis(250)));
    }

    #[test]
    fn what_may_have_been_meant_otherwise_is_refused() {
        for (text, why) in [
            ("amqp://user:a@b@host", "has to be escaped"),
            ("amqp://user:1/b@host", "has to be escaped"),
            ("amqp://user:1?b@host", "has to be escaped"),
            ("amqp://user:1#b@host", "has to be escaped"),
            ("amqp://user:pw@host/v#x", "has to be escaped"),
            ("amqp://user:100%@host", "has to be escaped"),
            ("amqp://user:100%ok@host", "has to be escaped"),
            ("amqp://user:pw@ho\tst", "white space"),
            ("amqp://user:pw@host:amqp", "not an amqp url"),
            ("amqp://user:pw@host:70000", "not an amqp url"),
            ("amqp://user:pw@[::g]", "not an amqp url"),
            ("amqp://host?hartbeat=5", "`hartbeat` is not a parameter of an AMQP url"),
            ("amqp://host?capacity=5", "`capacity` is not a parameter of an AMQP url"),
            ("amqp://host?heartbeat=0", "`heartbeat` takes whole seconds"),
        ] {
            let fault = Url::parse(text).expect_err(text);
            assert!(fault.message.contains(why) && !fault.help.is_empty(), "{text}: {fault}");
        }
    }
}
