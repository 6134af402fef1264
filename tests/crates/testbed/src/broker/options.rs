//! How a node is configured before it starts.

use super::Broker;

/// What a node is started with. Made by [`Broker::options`].
#[derive(Debug, Clone, Default)]
#[must_use = "nothing starts before `start`"]
pub struct Options {
    pub(crate) lines: Vec<String>,
}

impl Options {
    /// Adds a line to the node's `rabbitmq.conf`, such as `consumer_timeout = 5000`.
    pub fn conf(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// Starts the node and waits until it takes connections: about two seconds of one processor.
    pub fn start(self) -> Broker {
        Broker::start_with(&self)
    }
}
