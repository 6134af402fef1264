//! Names of subscribers, consumer groups, queues and publishers.

use crate::{
    fault::Fault,
    limits::{MAX_NAME, MAX_TOPIC},
};

/// A function's name as a subscriber's name: `confirm_order` becomes `confirm-order`, `r#type` becomes `type`.
pub fn dashed(function: &str) -> String {
    function.strip_prefix("r#").unwrap_or(function).trim_matches('_').replace('_', "-")
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
    fn names_are_checked() {
        assert!(check_name("confirm-order.v2_x").is_ok());
        for bad in ["", "a b", "-a", "größe", "a/b", &"x".repeat(101)] {
            assert!(check_name(bad).is_err(), "{bad}");
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
