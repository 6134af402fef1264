//! Where dead letters end: in the ledger, and in the file that was asked for.

use std::{convert::Infallible, io};

use swit::{Context, FromDelivery, Message, State, Text, subscriber};

use crate::order_service::{
    dead_letters::DeadLetterFile,
    ledger::{Ledger, Outcome},
};

/// A whole message, as it lies in the queue. Copying it copies no payload.
#[derive(Debug)]
pub struct Letter(Message);

impl FromDelivery for Letter {
    type Rejection = Infallible;
    const READS_PAYLOAD: bool = true;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Infallible> {
        Ok(Self(cx.message().clone()))
    }
}

/// Empties the dead-letter queue. A letter that can't be written is kept in a dead-letter queue of its own, and the
/// run ends with an error.
#[subscriber(queue = "order-service.dead-letters", prefetch = 256, retries = 0)]
pub async fn file_dead_letter(
    letter: Letter,
    ledger: State<Ledger>,
    file: State<DeadLetterFile>,
) -> Result<(), io::Error> {
    let Letter(message) = letter;
    let line = ledger.line_of(message.correlation_id.as_deref());
    let reason = message.headers.get_str("x-dead-letter-reason").unwrap_or("unknown");
    ledger.close(line, &Outcome::DeadLettered(Text::from(reason)));
    file.write(line, &message)
}
