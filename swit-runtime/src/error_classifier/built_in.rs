//! The rules that every classifier has that is not empty, and those that features add at link time.

use std::{
    char, io, net, num,
    str::{self, ParseBoolError},
    string,
};

use super::{Chain, RateLimited};
use crate::{
    classify::{Class, Classification, Classify},
    error::TransportError,
};

/// What kind of failure a built-in rule is about. The kinds are asked in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// Connections and waits: transient.
    Network,
    /// Somebody asks for less: throttle.
    RateLimit,
    /// The input is wrong: `invalid_input`.
    Validation,
    /// A database: `system_failure`.
    Database,
}

/// A rule that whoever compiles a client in adds to the built-in ones: `inventory::submit!` it beside the client.
#[derive(Debug)]
pub struct LinkedRule {
    /// What it is about, which says when it is asked.
    pub kind: RuleKind,
    /// The class, if it knows the error.
    pub classify: fn(Chain<'_>) -> Option<Classification>,
}

inventory::collect!(LinkedRule);

/// What the first rule says that answers, kind by kind.
pub(super) fn classify(chain: Chain<'_>) -> Option<Classification> {
    [RuleKind::Network, RuleKind::RateLimit, RuleKind::Validation, RuleKind::Database].into_iter().find_map(|kind| {
        let own = match kind {
            RuleKind::Network => is_network(chain).then(|| Class::Transient.into()),
            RuleKind::Validation => is_validation(chain).then(|| Class::InvalidInput.into()),
            RuleKind::RateLimit => chain.find::<RateLimited>().map(Classify::classify),
            // No client of a database is compiled into this crate's core: they come linked.
            RuleKind::Database => None,
        };
        own.or_else(|| {
            let mut linked = inventory::iter::<LinkedRule>().filter(|rule| rule.kind == kind);
            linked.find_map(|rule| (rule.classify)(chain))
        })
    })
}

fn is_network(chain: Chain<'_>) -> bool {
    chain.any(|error| {
        error.is::<tokio::time::error::Elapsed>()
            || error.downcast_ref::<TransportError>().is_some_and(|error| error.retryable)
            || error.downcast_ref::<io::Error>().is_some_and(is_lost_connection)
    })
}

fn is_lost_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    // A reader that ran out of input says the same as a connection that ended; what it read for is inside.
    let of_a_parser = error.get_ref().is_some_and(|inner| is_validation(Chain::of(inner)));
    !of_a_parser
        && matches!(
            error.kind(),
            Kind::ConnectionRefused
                | Kind::ConnectionReset
                | Kind::ConnectionAborted
                | Kind::NotConnected
                | Kind::BrokenPipe
                | Kind::TimedOut
                | Kind::WouldBlock
                | Kind::Interrupted
                | Kind::UnexpectedEof
                | Kind::AddrNotAvailable
                | Kind::HostUnreachable
                | Kind::NetworkUnreachable
                | Kind::NetworkDown
        )
}

fn is_validation(chain: Chain<'_>) -> bool {
    chain.any(|error| {
        #[cfg(feature = "json")]
        if let Some(error) = error.downcast_ref::<serde_json::Error>() {
            // Reading may also fail where there is nothing wrong with what was read.
            return !error.is_io();
        }
        error.is::<num::ParseIntError>()
            || error.is::<num::ParseFloatError>()
            || error.is::<ParseBoolError>()
            || error.is::<char::ParseCharError>()
            || error.is::<net::AddrParseError>()
            || error.is::<str::Utf8Error>()
            || error.is::<string::FromUtf8Error>()
            || error.is::<string::FromUtf16Error>()
    })
}
