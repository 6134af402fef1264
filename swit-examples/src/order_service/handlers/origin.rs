//! An extractor of our own: the line of input that a delivery goes back to.

use std::convert::Infallible;

use swit::{Context, FromDelivery, Text};

/// The correlation id of a delivery, which the ledger gave to its line and which every event of the flow carries on; and its
/// key, the id of the order.
#[derive(Debug, Clone)]
pub struct Origin {
    tag: Option<Text>,
    key: Option<Text>,
}

impl Origin {
    /// The tag.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The id of the order, of an event; lines have none yet.
    pub fn order_id(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

impl FromDelivery for Origin {
    type Rejection = Infallible;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Infallible> {
        let message = cx.message();
        Ok(Self { tag: message.correlation_id.clone(), key: message.key.clone() })
    }
}
