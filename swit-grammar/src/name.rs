//! Names of subscribers, consumer groups, queues and publishers.

use crate::{
    fault::Fault,
    limits::{MAX_NAME, MAX_TOPIC},
};

/// A function's name as a subscriber's name: `confirm_order` becomes `confirm-order`, `r#type` becomes `type`.
pub fn dashed(function: &str) -> String {
    function.strip_prefix("r#").unwrap_or(function).trim_matches('_').replace('_', "-")
}

/// A type's name as a publisher's name: `OrderCreatedPublisher` becomes `order-created`, `HTTPEvents` becomes
/// `http-events`. What is called `Publisher` and nothing else keeps its name.
pub fn dashed_type(type_name: &str) -> String {
    let name = type_name.strip_prefix("r#").unwrap_or(type_name).trim_matches('_');
    dashed_words(name.strip_suffix("Publisher").filter(|rest| !rest.is_empty()).unwrap_or(name))
}

/// A type's name in dashed words: `PlaceOrder` becomes `place-order`.
pub fn dashed_words(type_name: &str) -> String {
    let name = type_name.strip_prefix("r#").unwrap_or(type_name).trim_matches('_');
    let letters: Vec<char> = name.chars().collect();
    let mut dashed = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| letters[before]);
        let starts_a_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                let ends_an_acronym = before.is_uppercase() && letters.get(index + 1).is_some_and(|c| c.is_lowercase());
                before.is_lowercase() || before.is_numeric() || ends_an_acronym
            });
        if starts_a_word || *letter == '_' {
            dashed.push('-');
        }
        if *letter != '_' {
            dashed.extend(letter.to_lowercase());
        }
    }
    dashed
}

/// Checks the name of a subscriber, a middleware, a publisher or a consumer group.
///
/// # Errors
/// Empty, over 100 characters, or a character other than letters, digits, `-`, `_` and `.`.
pub fn check_name(name: &str) -> Result<(), Fault> {
    let help = "use 1 to 100 letters, digits, `-`, `_` and `.`, starting with a letter or digit";
    if name.is_empty() {
        return Err(Fault::new("the name is empty", help));
    }
    if name.chars().count() > MAX_NAME {
        return Err(Fault::new(format!("the name has {} characters", name.chars().count()), help));
    }
    if let Some(bad) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))) {
        return Err(Fault::new(format!("the name `{}` holds the character {bad:?}", name.escape_debug()), help));
    }
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(Fault::new(format!("the name `{name}` starts with `{}`", &name[..1]), help));
    }
    Ok(())
}

/// Checks a queue's name.
///
/// # Errors
/// Empty, over 255 bytes, the reserved prefix `amq.` (AMQP 0-9-1), white space or control characters.
pub fn check_queue(name: &str) -> Result<(), Fault> {
    let help = "use 1 to 255 bytes without white space; `amq.` is the broker's own prefix";
    if name.is_empty() {
        return Err(Fault::new("the queue's name is empty", help));
    }
    if name.len() > MAX_TOPIC {
        return Err(Fault::new(format!("the queue's name has {} bytes", name.len()), help));
    }
    if name.starts_with("amq.") {
        return Err(Fault::new(format!("the queue's name `{name}` starts with `amq.`"), help));
    }
    if name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Fault::new(
            format!("the queue's name `{}` holds white space or a control character", name.escape_debug()),
            help,
        ));
    }
    Ok(())
}

/// Checks what the names of tables begin with: lower-case letters, digits and `_`, the first one no digit, at most 40.
///
/// # Errors
/// It is something else.
pub fn check_table_prefix(prefix: &str) -> Result<(), Fault> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let starts = prefix.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if starts && prefix.len() <= 40 && prefix.bytes().all(is_allowed) {
        return Ok(());
    }
    Err(Fault::new(
        format!("`{}` can't begin the name of a table", prefix.escape_debug()),
        "write at most 40 lower-case letters, digits and `_`, beginning with a letter, such as \"swit_\"",
    ))
}

/// Checks the name of an event type.
///
/// # Errors
/// Empty, over 255 bytes, white space or control characters.
pub fn check_event_type(name: &str) -> Result<(), Fault> {
    let help = "use 1 to 255 bytes without white space, such as \"OrderCreated\"";
    if name.is_empty() {
        return Err(Fault::new("the event type is empty", help));
    }
    if name.len() > MAX_TOPIC {
        return Err(Fault::new(format!("the event type has {} bytes", name.len()), help));
    }
    if name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Fault::new(
            format!("the event type `{}` holds white space or a control character", name.escape_debug()),
            help,
        ));
    }
    Ok(())
}

/// Sections of the configuration that are swit's own.
pub const RESERVED_SECTIONS: [&str; 11] = [
    "service",
    "transport",
    "subscriber",
    "publisher",
    "middleware",
    "saga",
    "shutdown",
    "limits",
    "database",
    "telemetry",
    "admin",
];

/// Checks the name of a section of the application's own configuration.
///
/// # Errors
/// Empty, over 100 characters, a character other than lower-case letters, digits and `_`, `__` (which separates the
/// parts of an environment variable's name), or a section of swit's own.
pub fn check_section(name: &str) -> Result<(), Fault> {
    let help = "use 1 to 100 lower-case letters, digits and `_`, starting with a letter";
    if name.is_empty() {
        return Err(Fault::new("the section's name is empty", help));
    }
    if name.len() > MAX_NAME {
        return Err(Fault::new(format!("the section's name has {} bytes", name.len()), help));
    }
    if RESERVED_SECTIONS.contains(&name) {
        return Err(Fault::new(format!("the section `{name}` is swit's own"), "choose another name"));
    }
    if let Some(bad) = name.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')) {
        return Err(Fault::new(format!("the section `{}` holds the character {bad:?}", name.escape_debug()), help));
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(Fault::new(format!("the section `{name}` starts with `{}`", &name[..1]), help));
    }
    if name.contains("__") || name.ends_with('_') {
        let why = format!("the section `{name}` can't be told apart in `SWIT_SECTION__KEY`");
        return Err(Fault::new(why, "use single underscores between words"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_become_dashed_names() {
        assert_eq!(dashed("confirm_order"), "confirm-order");
        assert_eq!(dashed("r#type"), "type");
        assert_eq!(dashed("_private_"), "private");
    }

    #[test]
    fn types_become_dashed_names() {
        for (type_name, name) in [
            ("OrderCreatedPublisher", "order-created"),
            ("HTTPEventsPublisher", "http-events"),
            ("OrderV2Publisher", "order-v2"),
            ("V2OrderPublisher", "v2-order"),
            ("Publisher", "publisher"),
            ("Audit", "audit"),
            ("Order_Log", "order-log"),
        ] {
            assert_eq!(dashed_type(type_name), name);
        }
        assert_eq!(dashed_words("HTTPOrder_Publisher"), "http-order-publisher");
    }

    #[test]
    fn names_are_checked() {
        assert!(check_name("confirm-order.v2_x").is_ok());
        for bad in ["", "a b", "-a", "größe", "a/b", &"x".repeat(101)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn event_types_are_checked() {
        assert!(check_event_type("com.acme/OrderCreated:2").is_ok());
        for bad in ["", "a b", "a\n", &"x".repeat(256)] {
            assert!(check_event_type(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sections_are_checked() {
        assert!(check_section("orders_v2").is_ok());
        for bad in ["", "Orders", "a-b", "a__b", "a_", "_a", "2a", "telemetry", "größe", &"x".repeat(101)] {
            assert!(check_section(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn queues_are_checked() {
        assert!(check_queue("payment.events.dlq").is_ok());
        for bad in ["", "amq.gen", "a b", "a\u{0}", &"x".repeat(256)] {
            assert!(check_queue(bad).is_err(), "{bad}");
        }
    }
}
