//! What a command line can ask for.

use std::path::PathBuf;

use crate::{app::dead_letters::Selection, store::SagaFilter};

/// A command line that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invocation {
    /// `--config FILE`: read instead of the default configuration file.
    pub config: Option<PathBuf>,
    /// What to do.
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `run`, and no command at all: run the service.
    Run,
    /// `check`: check the whole graph and the configuration, connect to nothing.
    Check,
    /// `graph`: print the graph.
    Graph(GraphFormat),
    /// `publish TOPIC`: publish one message.
    Publish(PublishCommand),
    /// `tail TOPIC`: print messages as they come.
    Tail(TailCommand),
    /// `topology plan|apply|prune`: compare, make and clear what the service needs on its brokers.
    Topology(TopologyCommand),
    /// `dlq list|show|replay|purge`: look at dead letters and deal with them.
    Dlq(DlqCommand),
    /// `migrate`: make the tables that are missing in the service's database.
    Migrate,
    /// `outbox list|replay`: what waits to be published, and what can't be.
    Outbox(OutboxCommand),
    /// `transactions list|resolve`: transactions over several participants that are not over.
    Transactions(TransactionsCommand),
    /// `saga list|show|resume|cancel|compensate`: instances of sagas.
    Saga(SagaCommand),
    /// `relay`: publish what lies in the outbox, and do nothing else, until told to stop.
    Relay,
    /// `--help`.
    Help,
    /// `--version`.
    Version,
}

/// The language that a graph is printed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum GraphFormat {
    /// Mermaid: the default.
    #[default]
    Mermaid,
    /// Graphviz.
    Dot,
}

/// `publish TOPIC [PAYLOAD]`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishCommand {
    /// A topic without wildcards.
    pub topic: String,
    /// The message's key.
    pub key: Option<String>,
    /// Headers in the order in which they were given; no name twice, none of swit's own.
    pub headers: Vec<(String, String)>,
    /// The message's id: 1 to 255 bytes.
    pub id: Option<String>,
    /// The media type of the payload, where it was said.
    pub content_type: Option<String>,
    /// Where the payload comes from.
    pub payload: Payload,
}

/// Where a payload comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload {
    /// The argument after the topic.
    Argument(String),
    /// `--file F`.
    File(PathBuf),
    /// Standard input: nothing else was said, or `-`.
    Stdin,
}

/// `tail TOPIC`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TailCommand {
    /// A topic or pattern.
    pub pattern: String,
    /// Stop after this many messages, at least 1; else when the process is told to.
    pub count: Option<u64>,
}

/// `topology …`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopologyCommand {
    /// `plan`: say what would be made, what differs and what was left behind; change nothing.
    Plan,
    /// `apply`: make what is missing.
    Apply,
    /// `prune`: remove what was left behind.
    Prune {
        /// Without asking.
        yes: bool,
        /// Queues that are removed with the messages that they hold.
        with_messages: Vec<String>,
    },
}

/// `dlq …`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DlqCommand {
    /// `list`: the service's dead-letter queues, what lies in them and why.
    List,
    /// `show QUEUE`: print dead letters.
    Show {
        /// The dead-letter queue.
        queue: String,
        /// Those with these ids; else all.
        selection: Selection,
        /// At most so many.
        limit: u64,
        /// A JSON object a line.
        json: bool,
    },
    /// `replay QUEUE`: put dead letters back into the queue that they died in.
    Replay {
        /// The dead-letter queue.
        queue: String,
        /// Which.
        selection: Selection,
        /// Say what would be done, do nothing.
        dry_run: bool,
    },
    /// `purge QUEUE`: delete dead letters.
    Purge {
        /// The dead-letter queue.
        queue: String,
        /// Which.
        selection: Selection,
        /// Say what would be done, do nothing.
        dry_run: bool,
        /// Without asking.
        yes: bool,
    },
}

/// `outbox …`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutboxCommand {
    /// `list`: how much waits, and what is parked and why.
    List,
    /// `replay`: have parked publications made again.
    Replay {
        /// The numbers of their rows; none: all.
        rows: Vec<i64>,
    },
}

/// `transactions …`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionsCommand {
    /// `list`: which are not over, what is decided of them and who is done.
    List,
    /// `resolve`: go on with them now.
    Resolve,
}

/// `saga …`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SagaCommand {
    /// `list`: the instances, by saga and key.
    List {
        /// Those alone.
        filter: SagaFilter,
        /// At most so many.
        limit: u64,
        /// A JSON object a line.
        json: bool,
    },
    /// `show NAME KEY`: all of one instance.
    Show {
        /// Which.
        instance: SagaInstance,
        /// As a JSON object.
        json: bool,
    },
    /// `resume NAME KEY`: a parked one is gone on with.
    Resume(SagaInstance),
    /// `cancel NAME KEY`: what was done is undone; the end is `cancelled`.
    Cancel(SagaInstance),
    /// `compensate NAME KEY`: what was done is undone; the end is `compensated`.
    Compensate(SagaInstance),
}

/// An instance of a saga.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SagaInstance {
    /// The saga's name.
    pub saga: String,
    /// The instance's key.
    pub key: String,
}
