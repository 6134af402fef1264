//! The keys of swit's own sections: one table a section, which is what is accepted and what faults list.

use swit_grammar::Fault;

use super::{
    BatchSettings, BreakerSettings, LimitSettings, MiddlewareSettings, PublisherSettings, RateLimitSettings,
    SagaSettings, ServiceSettings, ShutdownSettings, SubscriberSettings, TransportSettings,
    read::{Given, put},
};

/// A key of a section.
pub(super) struct Key<S> {
    /// Its name.
    pub(super) name: &'static str,
    /// The values that it takes, for the help of a fault: «write …».
    pub(super) accepts: &'static str,
    /// Reads a value into its place.
    pub(super) set: fn(&mut S, &Given<'_>) -> Result<(), Fault>,
}

macro_rules! keys {
    ($(#[$doc:meta])* $table:ident of $section:ty: $($field:ident by $read:ident, $accepts:literal;)*) => {
        $(#[$doc])*
        pub(super) const $table: &[Key<$section>] = &[$(Key {
            name: stringify!($field),
            accepts: $accepts,
            set: |section, given| put(&mut section.$field, given, given.$read()),
        }),*];
    };
}

pub(super) use keys;

keys! {
    /// `[service]`.
    SERVICE of ServiceSettings:
    name by name, "a name of letters, digits, `-`, `_` and `.`";
    version by label, "text of one line";
    instance by label, "text of one line";
}

keys! {
    /// `[transport.NAME]`.
    TRANSPORT of TransportSettings:
    url by url, "a url as text, such as \"memory://\"";
    capacity by count, "a whole number from 1";
    exchange by exchange, "the name of an exchange: 1 to 245 bytes without white space";
    queues by queue_type, "\"quorum\" or \"classic\"";
    declare by boolean, "`true` or `false`";
    delivery_limit by delivery_limit, "a whole number from 1";
    heartbeat by heartbeat, "whole seconds as text, such as \"10s\"";
    connect_timeout by duration, "a duration as text, such as \"30s\"";
    confirm_timeout by duration, "a duration as text, such as \"30s\"";
    window by window, "a whole number from 1 to 1000000";
    ack_limit by duration, "a duration as text, such as \"30m\"";
    allow_plaintext by boolean, "`true` or `false`";
    ca_file by path, "the path of a PEM file";
    cert_file by path, "the path of a PEM file";
    key_file by path, "the path of a PEM file";
    management by management, "the url of the broker's management API, such as \"http://localhost:15672\"";
}

keys! {
    /// `[subscriber.NAME]`.
    SUBSCRIBER of SubscriberSettings:
    topics by topics, "a topic or pattern, or a list of them";
    group by group, "a name, or \"per_instance\"";
    concurrency by workers, "a whole number from 1 to 65535";
    prefetch by prefetch, "a whole number from 1 to 65535";
    timeout by duration, "a duration as text, such as \"30s\"";
    retries by retries, "a whole number from 0 to 100";
    backoff by backoff, "text such as 'exponential(1s, max = 30s)', 'linear(1s)', 'fixed(1s)' or 'none'";
    dead_letter by dead_letter, "a queue's name, or `false` to discard";
    transport by name, "the name of a transport";
    enabled by boolean, "`true` or `false`";
    circuit_breaker by switch, "`true`, `false`, or a table such as { failures = 5, reset = \"30s\" }";
    rate_limit by switch, "`false`, or a table such as { per_second = 100, burst = 10 }";
    batch by table, "a table such as { max = 100, within = \"100ms\" }";
}

keys! {
    /// `[subscriber.NAME.circuit_breaker]`. The numbers are held to each other, and to their limits, by the grammar.
    BREAKER of BreakerSettings:
    failures by number, "a whole number from 1";
    reset by duration, "a duration as text, such as \"30s\"";
    half_open by number, "a whole number from 1";
    rate by share, "a share from 0 to 1, such as 0.5";
    window by duration, "a duration as text, such as \"10s\"";
    min_volume by number, "a whole number from 1";
    name by name, "a name of letters, digits, `-`, `_` and `.`";
}

keys! {
    /// `[subscriber.NAME.rate_limit]`.
    RATE_LIMIT of RateLimitSettings:
    per_second by number, "a whole number from 1";
    burst by number, "a whole number from 1";
}

keys! {
    /// `[subscriber.NAME.batch]`.
    BATCH of BatchSettings:
    max by number, "a whole number from 2 to 65535";
    within by duration, "a duration as text, such as \"100ms\"";
}

keys! {
    /// `[publisher.NAME]`.
    PUBLISHER of PublisherSettings:
    confirm by duration, "a duration as text, such as \"5s\"";
    batch by batch, "text such as 'messages = 100, bytes = 1MiB, every = 100ms', or `false` for none";
    compression by compression, "the name of a compression, or \"none\"";
    capacity by capacity, "a whole number from 1 to 1000000";
    unrouted by unrouted, "\"warn\", \"error\" or \"ignore\"";
    transport by name, "the name of a transport";
}

keys! {
    /// `[middleware.NAME]`.
    MIDDLEWARE of MiddlewareSettings:
    enabled by boolean, "`true` or `false`";
    order by order, "a whole number";
    only by names, "a list of subscribers' names, or publishers' on the publishing side";
    except by names, "a list of subscribers' names, or publishers' on the publishing side";
}

keys! {
    /// `[saga.NAME]`.
    SAGA of SagaSettings:
    enabled by boolean, "`true` or `false`";
    concurrency by workers, "a whole number from 1 to 65535";
}

keys! {
    /// `[shutdown]`.
    SHUTDOWN of ShutdownSettings:
    drain by duration, "a duration as text, such as \"20s\"";
}

keys! {
    /// `[limits]`.
    LIMITS of LimitSettings:
    payload by size, "a size, such as \"16MiB\" or a number of bytes";
    decompressed by size, "a size, such as \"16MiB\" or a number of bytes";
    headers by count, "a whole number from 1";
    header_bytes by size, "a size, such as \"64KiB\" or a number of bytes";
}
