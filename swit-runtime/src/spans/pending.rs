//! Spans of publications and settlements, which end when they are answered.

use opentelemetry::{
    KeyValue,
    trace::{Span as _, Status},
};
use opentelemetry_sdk::trace::Span;

use super::attributes;
use crate::{error::PublishError, id::MessageId, outcome::one_line, trace::Pending};

/// A span that ends when its publication is answered.
pub(super) struct Sent {
    span: Span,
    /// Its message had an id when it began.
    identified: bool,
    answered: bool,
}

impl Sent {
    pub(super) fn new(span: Span, identified: bool) -> Self {
        Self { span, identified, answered: false }
    }
}

impl Pending for Sent {
    fn end(mut self: Box<Self>, answer: Result<&MessageId, &PublishError>) {
        self.answered = true;
        match answer {
            Ok(_) if self.identified => {}
            Ok(id) => self.span.set_attribute(attributes::id(id)),
            Err(error) => {
                self.span.set_attribute(KeyValue::new("error.type", error.kind()));
                self.span.set_status(attributes::failed(&one_line(error)));
            }
        }
        self.span.end();
    }
}

impl Drop for Sent {
    /// The span ends with it.
    fn drop(&mut self) {
        if !self.answered {
            self.span.set_attribute(KeyValue::new("error.type", "unanswered"));
            self.span.set_status(Status::error("nobody waited for the answer any more"));
        }
    }
}
