//! `publish TOPIC`: one message by hand.
//!
//! On a transport that lives in this process the service itself is started, so that there is somebody to take it; what
//! its subscribers did with it is printed. On a broker it is left to those that serve there.

use std::{fmt::Write as _, io::Read as _};

use super::{Payload, PublishCommand, execute::print};
use crate::{
    app::{App, builder::Part, logging},
    error::{Error, Result},
    id::MessageId,
    message::Message,
    text::Text,
};

pub(super) async fn publish(app: App, command: PublishCommand) -> Result<()> {
    logging::of_command(&app.layers);
    let message = message(&command)?;
    let mut app = app;
    app.part = Part::Visitor;
    let running = app.start().await?;
    let published = running.publisher()?.publish_to(command.topic.clone(), message).await;
    let id = match published {
        Ok(id) => id,
        Err(error) => {
            running.shutdown().await?;
            return Err(error.into());
        }
    };
    running.wait_quiet().await;
    let mut text = format!("published {id} to {}\n", command.topic);
    for stats in running.stats() {
        let counts = &stats.counts;
        if counts.attempts > 0 {
            // Writing to a `String` can't fail.
            let _ = writeln!(
                text,
                "{}: {} attempts, {} succeeded, {} failed, {} dead-lettered, {} discarded",
                stats.name, counts.attempts, counts.succeeded, counts.failed, counts.dead_lettered, counts.discarded
            );
        }
    }
    running.shutdown().await?;
    print(&text)
}

fn message(command: &PublishCommand) -> Result<Message> {
    let io = |doing: String| move |source| Error::Io { doing, source };
    let payload = match &command.payload {
        Payload::Argument(text) => text.clone().into_bytes(),
        Payload::File(path) => std::fs::read(path).map_err(io(format!("reading {}", path.display())))?,
        Payload::Stdin => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).map_err(io("reading standard input".to_owned()))?;
            bytes
        }
    };
    let mut message = Message::new(command.topic.clone(), payload);
    message.key = command.key.clone().map(Text::from);
    message.content_type = command.content_type.clone().map(Text::from);
    for (name, value) in &command.headers {
        message.headers.insert(name.clone(), value.clone());
    }
    if let Some(id) = &command.id {
        message.id = MessageId::parse(id).map_err(|error| Error::Usage(error.to_string()))?;
    }
    Ok(message)
}
