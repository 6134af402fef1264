//! What is refused before it is read: sizes of payloads, headers and ids, and how deep payloads nest.

pub use swit_grammar::limits::{DEFAULT_RETRIES, DEFAULT_TIMEOUT, MAX_DURATION, MAX_PREFETCH, MAX_RETRIES, MAX_TOPIC};

/// Most bytes of a message id (AMQP 0-9-1 short string).
pub const MAX_ID_BYTES: usize = 255;
/// Deepest nesting of arrays and objects in a JSON payload, wherever it stands.
pub const MAX_JSON_DEPTH: usize = 128;
/// Deepest nesting of arrays and maps in a MessagePack payload, wherever it stands.
pub const MAX_MSGPACK_DEPTH: usize = 128;
/// Most bytes of `x-dead-letter-error`.
pub const MAX_ERROR_BYTES: usize = 4 * 1024;
/// Most event handlers of one composite: their names travel in a header.
pub const MAX_EVENT_HANDLERS: usize = 64;

/// Limits that apply to every message before it is decoded or published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most bytes of a payload. Default 16 MiB.
    pub payload_bytes: usize,
    /// Most headers of a message. Default 128.
    pub headers: usize,
    /// Most bytes of all headers, names and values together, and of the key of what is published. Default 64 KiB.
    pub header_bytes: usize,
    /// Most bytes of a payload once it is decompressed. Default 16 MiB: compression is no way around the limit of what
    /// comes uncompressed.
    pub decompressed_bytes: usize,
}

impl Limits {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        payload_bytes: 16 * 1024 * 1024,
        headers: 128,
        header_bytes: 64 * 1024,
        decompressed_bytes: 16 * 1024 * 1024,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
