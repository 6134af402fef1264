//! Addresses as they may be shown.

/// An address without its password: `amqp://user:***@host`. Parameters other than a capacity are hidden whole.
///
/// Errs on the side of hiding: a password may hold `/`, `?` or `@` that should have been escaped, so everything up to
/// the last `@` counts as credentials; and where the host was forgotten, what stands in the place of a port may be one.
pub(in crate::app::config) fn redact(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
    let (credentials, rest) = rest.rsplit_once('@').map_or((None, rest), |(before, after)| (Some(before), after));
    let mut shown = String::new();
    if let Some(scheme) = scheme {
        // Credentials before a misplaced `://` are still credentials.
        shown += scheme.rsplit_once('@').map_or(scheme, |(_, scheme)| scheme);
        shown += "://";
    }
    if let Some(credentials) = credentials {
        match (scheme, credentials.split_once(':')) {
            (Some(_), Some((user, _))) => shown.extend([user, ":***@"]),
            (Some(_), None) => shown.extend([credentials, "@"]),
            (None, _) => shown += "***@",
        }
    }
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    match authority.rsplit_once(':') {
        // Not within the brackets of an IPv6 address.
        Some((host, port)) if !port.contains(']') && !port.bytes().all(|byte| byte.is_ascii_digit()) => {
            shown.extend([host, ":***"]);
        }
        _ => shown += authority,
    }
    shown += path;
    for (number, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        shown.push(if number == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if name != "capacity" => shown.extend([name, "=***"]),
            _ => shown += pair,
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_secret_stays() {
        for (text, shown) in [
            ("amqp://user:pw@host:5672/v?capacity=5", "amqp://user:***@host:5672/v?capacity=5"),
            ("amqp://user@host", "amqp://user@host"),
            ("amqps://user:p%40w@mq.example:5671/v%2fh", "amqps://user:***@mq.example:5671/v%2fh"),
            ("amqp://u:p@[::1]:5672/v", "amqp://u:***@[::1]:5672/v"),
            ("amqp://[::1]", "amqp://[::1]"),
            ("amqp://user:secret", "amqp://user:***"),
            ("amqp://h?heartbeat=5", "amqp://h?heartbeat=***"),
        ] {
            assert_eq!(redact(text), shown);
        }
    }
}
