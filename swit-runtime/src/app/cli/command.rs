//! What a command line can ask for.

use std::path::PathBuf;

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
