//! The seam to compression: where a publisher's bodies are encoded, after they were checked and before they go out.

use crate::{error::PublishError, message::Message, registry::Compression};

/// The message as it travels: its body compressed as the publisher says.
///
/// # Errors
/// The body can't be compressed.
#[expect(
    clippy::unnecessary_wraps,
    reason = "compressing may fail; attribute and configuration refuse all but `none` yet"
)]
pub(super) fn encode_body(message: Message, compression: Compression) -> Result<Message, PublishError> {
    debug_assert!(compression.is_available(), "the attribute and the configuration refuse what is not there");
    Ok(message)
}
