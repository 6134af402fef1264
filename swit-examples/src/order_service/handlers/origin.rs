//! An extractor of our own: the line of input that a delivery goes back to.

use std::convert::Infallible;

use swit::{Context, FromDelivery, Text};

/// The correlation id of a delivery, which the ledger gave to its line and which every event of the flow carries on.
#[derive(Debug, Clone)]
pub struct Origin(Option<Text>);

impl Origin {
    /// The tag.
    pub fn tag(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl FromDelivery for Origin {
    type Rejection = Infallible;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Infallible> {
        Ok(Self(cx.message().correlation_id.clone()))
    }
}
