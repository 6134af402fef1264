//! What a broker writes on what it moves itself: `x-death`, newest first
//! ([dead lettering](https://www.rabbitmq.com/docs/dlx#effects)).

use std::time::{Duration, UNIX_EPOCH};

use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable},
};

use crate::{text::Text, transport::Death};

/// Why and from where the broker itself moved a message last.
pub(super) fn latest(properties: &BasicProperties) -> Option<Death> {
    let Some(AMQPValue::FieldArray(deaths)) = properties.headers().as_ref()?.inner().get("x-death") else {
        return None;
    };
    let Some(AMQPValue::FieldTable(death)) = deaths.as_slice().first() else { return None };
    let time = match death.inner().get("time") {
        Some(AMQPValue::Timestamp(seconds)) => UNIX_EPOCH.checked_add(Duration::from_secs(*seconds)),
        _ => None,
    };
    Some(Death::new(text(death, "reason")?, text(death, "queue")?, time))
}

fn text(table: &FieldTable, name: &str) -> Option<Text> {
    match table.inner().get(name)? {
        AMQPValue::LongString(text) => str::from_utf8(text.as_bytes()).ok().map(Text::from),
        _ => None,
    }
}
