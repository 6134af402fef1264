//! Correlation: one id from whatever came in to all that goes out and is logged.

use std::fmt;

use tracing::Instrument;

use crate::{
    context::Context,
    error::PublishError,
    headers::Headers,
    id::MessageId,
    message::Message,
    middleware::{Middleware, Next, PublishMiddleware, PublishNext},
    outcome::Outcome,
    said::Shown,
    text::Text,
    transport::BoxFuture,
};

/// Longest id that is taken from a header.
const LONGEST: usize = 255;

/// The correlation id of the delivery; handlers take it as `Extension<CorrelationId>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrelationId(pub Text);

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Middleware that finds the correlation id of a message: in the header `X-Correlation-Id`, else the message's own, else its
/// id. What is published under the delivery carries it, log lines of the handler have it as the field `correlation_id` of
/// their span, and handlers take it as `Extension<CorrelationId>`.
///
/// Without it swit does so too, but for the header, the field and the extension. As publish-side middleware it writes the
/// header of what is published, for readers that know nothing of swit.
#[derive(Debug, Clone)]
pub struct Correlation {
    header: Text,
}

impl Correlation {
    /// By the header `X-Correlation-Id`.
    pub const fn new() -> Self {
        Self { header: Text::from_static("X-Correlation-Id") }
    }

    /// By another header. Case does not matter in its name.
    pub fn header(mut self, name: impl Into<Text>) -> Self {
        self.header = name.into();
        self
    }

    fn of(&self, message: &Message) -> Text {
        let own = || message.correlation_id.clone();
        self.in_headers(&message.headers).or_else(own).unwrap_or_else(|| Text::from(message.id.to_string()))
    }

    /// An id that a header says, if it is fit to be one.
    fn in_headers(&self, headers: &Headers) -> Option<Text> {
        let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(&self.header))?;
        let id = value.as_str()?.trim();
        let fit = !id.is_empty() && id.len() <= LONGEST && !id.chars().any(char::is_control);
        fit.then(|| Text::from(id.to_owned()))
    }
}

impl Default for Correlation {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for Correlation {
    fn handle<'a>(&'a self, cx: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        let id = self.of(cx.message());
        cx.set_correlation_id(id.clone());
        let span = tracing::info_span!("correlated", correlation_id = %Shown(&id));
        cx.insert_extension(CorrelationId(id));
        Box::pin(next.run(cx).instrument(span))
    }
}

impl PublishMiddleware for Correlation {
    fn publish<'a>(
        &'a self,
        message: &'a mut Message,
        next: PublishNext<'a>,
    ) -> BoxFuture<'a, Result<MessageId, PublishError>> {
        if message.correlation_id.is_none() {
            message.correlation_id = Some(self.of(message));
        }
        if let (None, Some(id)) = (self.in_headers(&message.headers), message.correlation_id.clone()) {
            message.headers.insert(self.header.clone(), id.to_string());
        }
        next.run(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_comes_first_then_the_message_then_its_id() {
        let correlation = Correlation::new();
        let mut message = Message::new("t", "").with_id(MessageId::parse("the-id").unwrap());
        assert_eq!(correlation.of(&message), "the-id");
        message.correlation_id = Some("its-own".into());
        assert_eq!(correlation.of(&message), "its-own");
        for unfit in [String::new(), "a\nb".into(), "x".repeat(256)] {
            assert_eq!(correlation.of(&message.clone().with_header("x-correlation-id", unfit)), "its-own");
        }
        assert_eq!(correlation.of(&message.with_header("x-correlation-id", "from-afar")), "from-afar");
    }
}
