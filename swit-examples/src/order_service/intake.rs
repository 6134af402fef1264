//! Intake: from lines to messages, no faster than the flow takes them.

use swit::{Message, PublishError, Publisher, State};

use super::{
    handlers::{CUT_HEADER, LINE_HEADER, LINES},
    input::Line,
    ledger::Ledger,
};

/// Publishes lines, each under the tag that the ledger knows it by.
#[derive(Debug)]
pub struct Intake {
    publisher: Publisher,
    ledger: State<Ledger>,
}

impl Intake {
    /// Publishes through this publisher and into this ledger.
    pub fn new(publisher: Publisher, ledger: State<Ledger>) -> Self {
        Self { publisher, ledger }
    }

    /// Publishes a line as it is, once the ledger has room for it.
    ///
    /// # Errors
    /// It was not published. The ledger has it open, and will name it.
    pub async fn publish(&self, line: Line) -> Result<(), PublishError> {
        self.ledger.open(line.number, line.body.len()).await;
        let number = i64::try_from(line.number).unwrap_or(i64::MAX);
        let cut = line.is_cut();
        let mut message = Message::new(LINES, line.body).with_header(LINE_HEADER, number);
        if cut {
            message = message.with_header(CUT_HEADER, i64::try_from(line.bytes).unwrap_or(i64::MAX));
        }
        message.correlation_id = Some(self.ledger.tag(line.number));
        self.publisher.publish_to(LINES, message).await.map(drop)
    }
}
