//! Intake: from lines to messages, no faster than the flow takes them.
//!
//! The ledger's window is below the capacity of every queue, so that no step of the flow ever finds a full one.

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

    /// Opens a line in the ledger, once there is room for it. False: nothing is in flight any more once `quiet`
    /// resolves, and there is still no room; lines were lost.
    pub async fn open(&self, line: &Line, quiet: impl Future<Output = ()>) -> bool {
        tokio::select! {
            biased;
            () = self.ledger.open(line.number, line.body.len()) => true,
            () = quiet => self.ledger.try_open(line.number, line.body.len()),
        }
    }

    /// Publishes an open line as it is.
    ///
    /// # Errors
    /// It was not published. The ledger has it open, and will name it.
    pub async fn publish(&self, line: Line) -> Result<(), PublishError> {
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
