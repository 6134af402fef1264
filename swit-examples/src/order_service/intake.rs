//! Intake: from lines to messages, no faster than the flow takes them.
//!
//! Lines of a batch are on their way together and are confirmed together, in the order of the input. What a broker did not
//! confirm is published again under the same id, so that at worst a line comes twice, which the ledger knows.
//!
//! The ledger's window is below the capacity of every queue, so that no step of the flow ever finds a full one.

use std::time::{Duration, SystemTime};

use swit::{Class, Classify as _, Confirmation, Message, MessageId, PublishError, Publisher, State};
use tokio::time;

use super::{
    handlers::{CUT_HEADER, LINE_HEADER, LINES},
    input::Line,
    ledger::Ledger,
};

/// How often a line that was not confirmed is published again, and how long after.
const AGAIN: u32 = 100;
const AFTER: Duration = Duration::from_millis(250);

/// Publishes lines, each under the tag that the ledger knows it by.
#[derive(Debug)]
pub struct Intake {
    publisher: Publisher,
    ledger: State<Ledger>,
    sent: Vec<Sent>,
}

/// A line on its way.
#[derive(Debug)]
struct Sent {
    line: u64,
    message: Message,
    confirmation: Confirmation,
}

/// A line that could not be published.
#[derive(Debug, thiserror::Error)]
#[error("line {line} was not published: {source}")]
pub struct NotPublished {
    /// The line.
    pub line: u64,
    /// Why not.
    pub source: PublishError,
}

impl Intake {
    /// Publishes through this publisher and into this ledger.
    pub fn new(publisher: Publisher, ledger: State<Ledger>) -> Self {
        Self { publisher, ledger, sent: Vec::new() }
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

    /// Starts to publish an open line as it is.
    pub fn start(&mut self, line: Line) {
        let number = i64::try_from(line.number).unwrap_or(i64::MAX);
        let cut = line.is_cut();
        let mut message = Message::new(LINES, line.body).with_header(LINE_HEADER, number);
        if cut {
            message = message.with_header(CUT_HEADER, i64::try_from(line.bytes).unwrap_or(i64::MAX));
        }
        message.correlation_id = Some(self.ledger.tag(line.number));
        // Given here, so that publishing again does not give another one.
        message.id = MessageId::new(SystemTime::now());
        self.publish(line.number, message);
    }

    fn publish(&mut self, line: u64, message: Message) {
        let confirmation = self.publisher.publish_to(LINES, message.clone());
        self.sent.push(Sent { line, message, confirmation });
    }

    /// Waits until everything that was started is confirmed.
    ///
    /// # Errors
    /// A line was not published. The ledger has it open, and will name it.
    pub async fn settle(&mut self) -> Result<(), NotPublished> {
        let mut tries = 0;
        loop {
            let mut lost = Vec::new();
            for Sent { line, message, confirmation } in self.sent.drain(..) {
                match confirmation.await {
                    Ok(_) => {}
                    Err(source) if tries < AGAIN && may_go_away(&source) => lost.push((line, message)),
                    Err(source) => return Err(NotPublished { line, source }),
                }
            }
            if lost.is_empty() {
                return Ok(());
            }
            tries += 1;
            tracing::info!(lines = lost.len(), tries, "lines were not confirmed, and are published again");
            time::sleep(AFTER).await;
            for (line, message) in lost {
                self.publish(line, message);
            }
        }
    }
}

fn may_go_away(error: &PublishError) -> bool {
    !matches!(error, PublishError::Closed) && !matches!(error.classify().class, Class::Permanent | Class::InvalidInput)
}
