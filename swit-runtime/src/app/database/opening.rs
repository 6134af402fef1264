//! From `[database]` and who wants it to what is opened, checked.

use std::{sync::Arc, time::Duration};

use swit_grammar::limits::DEFAULT_RETRIES;

use crate::{
    app::{
        builder::App,
        config::{DatabaseUrl, Origin, RETENTION, Settings},
        graph::{Faults, Node, Required},
    },
    classify::{Backoff, Class},
    relay::RelayOptions,
    scope::Service,
    store::Store,
    text::Text,
};

/// A database that is to be opened.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub(crate) place: Place,
    #[cfg_attr(not(any(feature = "sqlite", feature = "postgres")), expect(dead_code, reason = "no database reads it"))]
    pub(crate) prefix: Option<Text>,
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "there is no server to connect to"))]
    pub(crate) connections: Option<u32>,
    /// Whether missing tables are made; nobody said: those of a file are.
    pub(crate) migrate: Option<bool>,
    pub(crate) retention: Duration,
    /// How this process relays, if it does.
    pub(crate) relay: Option<RelayOptions>,
    /// How often what lies in it is looked for where nobody told of it, and how long a process may be silent.
    pub(crate) pace: (Duration, Duration),
}

impl Opening {
    /// Whether it is kept in the memory of the service's own process, so that from another one nothing of it is seen.
    pub(crate) fn is_of_the_process(&self) -> bool {
        matches!(self.place, Place::Url(DatabaseUrl::Memory))
    }
}

/// Where it is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Given(Arc<dyn Store>),
    Url(DatabaseUrl),
}

/// What is to be opened: a database that somebody wants, or that is written.
pub(crate) fn opening(
    app: &App,
    settings: &Settings,
    service: &Service,
    required: &Required,
    nodes: &[Node],
    faults: &mut Faults,
) -> Option<Opening> {
    let written = &settings.database;
    let wanted =
        required.iter().find(|(_, _, needs)| needs.wants_database()).map(|(location, name, _)| (*location, *name));
    let wanted = wanted.or_else(|| {
        let once = nodes.iter().find(|node| has_inbox(node))?;
        Some((once.registration.location, "an inbox"))
    });
    if wanted.is_none() && written.url.is_none() && app.store.is_none() {
        return None;
    }
    let retention = written.retention.as_ref().map_or(RETENTION, |set| set.value);
    remembered(nodes, retention, faults);
    owners(app, faults);
    let url = written.url.as_ref();
    let place = match (&app.store, url.filter(|set| !app.embedded || matches!(set.origin, Origin::Builder))) {
        (Some(store), _) => Place::Given(store.clone()),
        (None, Some(set)) => Place::Url(set.value.clone()),
        // Tests have no files, but where they ask for one.
        (None, None) if app.embedded => Place::Url(DatabaseUrl::Memory),
        (None, None) => Place::Url(DatabaseUrl::Sqlite(format!("{}.db", service.name).into())),
    };
    let missing = match &place {
        Place::Url(DatabaseUrl::Sqlite(_)) if !cfg!(feature = "sqlite") => Some("sqlite"),
        Place::Url(DatabaseUrl::Postgres(_)) if !cfg!(feature = "postgres") => Some("postgres"),
        _ => None,
    };
    if let Some(feature) = missing {
        let location = match (url, &wanted) {
            (Some(set), _) => set.origin.to_string(),
            (None, Some((location, _))) => location.to_string(),
            (None, None) => String::new(),
        };
        let why = wanted.map_or_else(String::new, |(_, name)| format!(", which `{name}` needs"));
        let message = format!("the database{why} is one that is not compiled in");
        let help = match url {
            Some(_) => format!("enable the feature `{feature}` of the crate `swit`"),
            None => "enable the feature `sqlite` of the crate `swit`, or `postgres` and set `database.url`".to_owned(),
        };
        faults.add(location, message, help);
    }
    let defaults = RelayOptions::default();
    let relay = RelayOptions {
        batch: written.batch.as_ref().map_or(defaults.batch, |set| set.value),
        poll: written.poll.as_ref().map_or(defaults.poll, |set| set.value),
        lease: written.lease.as_ref().map_or(defaults.lease, |set| set.value),
    };
    Some(Opening {
        place,
        prefix: written.prefix.as_ref().map(|set| set.value.clone()),
        connections: written.connections.as_ref().map(|set| set.value),
        migrate: written.migrate.as_ref().map(|set| set.value),
        retention,
        pace: (relay.poll, relay.lease),
        relay: written.relay.as_ref().is_none_or(|set| set.value).then_some(relay),
    })
}

/// Steps are counted by their owner: two sets of one owner would each take the other's for its own.
fn owners(app: &App, faults: &mut Faults) {
    for (at, migrations) in app.migrations.iter().enumerate() {
        let owner = migrations.owner();
        let is_taken = owner == "swit" || app.migrations[..at].iter().any(|earlier| earlier.owner() == owner);
        if is_taken {
            faults.add(
                "",
                format!("there are two sets of migrations of the owner `{owner}`"),
                "give each a name of its own: `Migrations::new(\"orders\")`",
            );
        }
    }
}

/// An inbox that forgets a message which may still come again is none.
fn remembered(nodes: &[Node], retention: Duration, faults: &mut Faults) {
    for node in nodes {
        let longest = longest(node);
        if has_inbox(node) && longest >= retention {
            faults.add(
                node.registration.location,
                format!(
                    "the inbox of `{}` remembers for {retention:?}, but a message may be tried again for {longest:?}",
                    node.registration.name
                ),
                "raise `database.retention`, or lower `retries`, `backoff` or `timeout`",
            );
        }
    }
}

/// Whether it, or one of its event handlers, claims messages.
fn has_inbox(node: &Node) -> bool {
    let composite = node.registration.composite;
    node.resolved.inbox || composite.is_some_and(|composite| composite.handlers().iter().any(|at| at.handler.inbox))
}

/// How long a message may be tried again: all attempts, each as long as it may take, and all waits between them, by what the
/// subscriber says, else by the class that has most of it. What an error says of itself is not known before it happens.
fn longest(node: &Node) -> Duration {
    let resolved = &node.resolved;
    let classes = Class::ALL.iter().filter(|class| class.retryable()).map(|class| (class.retries(), class.backoff()));
    let longest_of = |(retries, backoff): (u32, Backoff)| {
        let (retries, backoff) = (resolved.retries.unwrap_or(retries), resolved.backoff.unwrap_or(backoff));
        let waits =
            (1..=retries).map(|retry| backoff.jittered(retry, 1.0)).fold(Duration::ZERO, Duration::saturating_add);
        waits.saturating_add(resolved.timeout.saturating_mul(retries.saturating_add(1)))
    };
    classes.chain([(DEFAULT_RETRIES, Backoff::DEFAULT)]).map(longest_of).max().unwrap_or_default()
}
