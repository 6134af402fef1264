//! What a broker lists of one virtual host, as the management API spells it.

use serde::Deserialize;

use crate::transport::Binding;

/// The queues of a virtual host, and what is bound to them.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) queues: Vec<Listed>,
    pub(super) bindings: Vec<Binding>,
}

/// A queue.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Listed {
    pub(super) name: String,
    /// Ready and unacknowledged; missing while the broker has not counted a new queue.
    #[serde(default)]
    pub(super) messages: u64,
    #[serde(default)]
    pub(super) consumers: u64,
    #[serde(default)]
    pub(super) auto_delete: bool,
    #[serde(default)]
    pub(super) exclusive: bool,
    #[serde(default)]
    pub(super) arguments: serde_json::Value,
}

impl Listed {
    /// Whether it ends without anybody deleting it: with a consumer, a connection, or when nobody used it for a while.
    pub(super) fn ends_by_itself(&self) -> bool {
        self.auto_delete || self.exclusive || self.arguments.get("x-expires").is_some()
    }
}

/// A binding.
#[derive(Debug, Deserialize)]
struct ListedBinding {
    source: String,
    destination: String,
    destination_type: String,
    routing_key: String,
}

impl Listing {
    /// Reads the two lists.
    ///
    /// # Errors
    /// They are not what they are asked for.
    pub(super) fn read(queues: &[u8], bindings: &[u8]) -> Result<Self, serde_json::Error> {
        let bindings: Vec<ListedBinding> = serde_json::from_slice(bindings)?;
        let bindings = bindings
            .into_iter()
            // Every queue is bound to the default exchange, whose name is empty.
            .filter(|binding| binding.destination_type == "queue" && !binding.source.is_empty())
            .map(|binding| Binding::new(binding.destination, binding.source, binding.routing_key));
        Ok(Self { queues: serde_json::from_slice(queues)?, bindings: bindings.collect() })
    }

    pub(super) fn has_queue(&self, name: &str) -> bool {
        self.queues.iter().any(|queue| queue.name == name)
    }

    /// Whether there is a queue of this name that ends by itself, as one of an instance does.
    pub(super) fn has_of_an_instance(&self, name: &str) -> bool {
        self.queues.iter().any(|queue| queue.name == name && queue.ends_by_itself())
    }

    pub(super) fn has(&self, binding: &Binding) -> bool {
        self.bindings.contains(binding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_management_api_answers_is_read() {
        let queues = br#"[{"arguments":{"x-queue-type":"quorum"},"auto_delete":false,"durable":true,"exclusive":false,
            "messages":3,"consumers":1,"name":"a","vhost":"/"},{"name":"new"},
            {"name":"expires","arguments":{"x-expires":5}},{"name":"odd","arguments":[]}]"#;
        let bindings = br#"[
            {"source":"","vhost":"/","destination":"a","destination_type":"queue","routing_key":"a","arguments":{},"properties_key":"a"},
            {"source":"e","vhost":"/","destination":"a","destination_type":"queue","routing_key":"k","arguments":{},"properties_key":"k"},
            {"source":"e","vhost":"/","destination":"f","destination_type":"exchange","routing_key":"k","arguments":{},"properties_key":"k"}]"#;
        let listing = Listing::read(queues, bindings).unwrap();
        assert_eq!((listing.queues[0].messages, listing.queues[0].consumers, listing.queues[1].messages), (3, 1, 0));
        let ending: Vec<bool> = listing.queues.iter().map(Listed::ends_by_itself).collect();
        assert_eq!(ending, [false, false, true, false]);
        assert_eq!(listing.bindings, [Binding::new("a", "e", "k")]);
        assert!(Listing::read(b"{}", b"[]").is_err());
    }
}
