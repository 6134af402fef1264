//! Who is told of publications that failed after an asynchronous publisher had taken them in.

use std::{fmt, sync::Arc};

use crate::{error::PublishError, message::Message, text::Text};

/// A publication that failed after an asynchronous publisher had taken it in.
#[derive(Debug)]
#[non_exhaustive]
pub struct FailedPublication {
    /// The publisher's name.
    pub publisher: Text,
    /// The message, with the id under which it may be published again.
    pub message: Message,
    /// Why.
    pub error: PublishError,
}

/// What is called for each publication that failed after an asynchronous publisher had taken it in: state that a
/// provider builds, or that `App::provide` is given.
///
/// ```
/// use swit_runtime::publisher::OnPublishFailure;
///
/// let lost = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
/// let kept = lost.clone();
/// OnPublishFailure::new(move |failed| kept.lock().unwrap().push(failed.message.clone()));
/// ```
///
/// It is called from the publisher's task, one failure after the other, and must not block: what takes time goes through
/// a channel. A panic in it is logged.
#[derive(Clone)]
pub struct OnPublishFailure(Arc<dyn Fn(&FailedPublication) + Send + Sync>);

impl OnPublishFailure {
    /// Calls this function.
    pub fn new(tell: impl Fn(&FailedPublication) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(super) fn tell(&self, failed: &FailedPublication) {
        (self.0)(failed);
    }
}

impl fmt::Debug for OnPublishFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnPublishFailure")
    }
}
