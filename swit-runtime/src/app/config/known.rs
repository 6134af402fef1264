//! What a configuration may speak of in one service: the names that were registered.

/// The names that a configuration may address. A name that is not here is a fault, with the nearest one suggested.
///
/// Give all names that are registered in the process, not only those that an `App` selected: one file serves a binary
/// that runs in several roles.
#[derive(Debug, Clone, Default)]
pub struct Known<'a> {
    /// Subscribers.
    pub subscribers: Vec<&'a str>,
    /// Publishers.
    pub publishers: Vec<&'a str>,
    /// Middleware of both sides.
    pub middleware: Vec<&'a str>,
    /// Those of them that stand at the publishing side: their `only` and `except` name publishers.
    pub publish_middleware: Vec<&'a str>,
    /// Transports that attributes name; a configuration may add others. `default` always exists.
    pub transports: Vec<&'a str>,
    /// Sagas.
    pub sagas: Vec<&'a str>,
    /// The application's own sections, as its `Config<T>` arguments require them.
    pub sections: Vec<&'a str>,
}

/// Sections of swit itself.
pub(super) const SECTIONS: [&str; 11] = [
    "service",
    "transport",
    "subscriber",
    "publisher",
    "middleware",
    "shutdown",
    "limits",
    "admin",
    "telemetry",
    "database",
    "saga",
];

/// Sections whose first key is a name.
pub(super) const NAMED_SECTIONS: [&str; 5] = ["transport", "subscriber", "publisher", "middleware", "saga"];

/// A name as the environment can spell it: lower case, with `_` for what a variable's name can't hold.
pub(super) fn fold(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', '.'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_to_what_a_shell_can_spell() {
        for (name, folded) in [("confirm-order", "confirm_order"), ("a.b", "a_b"), ("Größe", "größe")] {
            assert_eq!(fold(name), folded);
        }
    }
}
