//! Where a value of the configuration was written.

use std::fmt;

use crate::text::Text;

/// The layer that set a value. Its `Display` is how faults name it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A configuration file.
    File {
        /// Its path as it was named.
        name: Text,
        /// The line of the key, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name as it was spelled.
        variable: Text,
    },
    /// A call of the builder.
    Builder,
    /// The options of a subscriber that is made while the service runs: below all other layers.
    Subscription {
        /// Where they stand in the source.
        place: Text,
    },
}

impl Origin {
    /// The layer's place among the layers: a larger one wins.
    pub(in crate::app) fn rank(&self) -> u8 {
        match self {
            Self::Subscription { .. } => 0,
            Self::File { .. } => 1,
            Self::Environment { .. } => 2,
            Self::Builder => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Environment { variable } => write!(f, "environment variable {variable}"),
            Self::Builder => f.write_str("builder"),
            Self::Subscription { place } => f.write_str(place),
        }
    }
}

/// A value that was set, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set<T> {
    /// The value.
    pub value: T,
    /// The layer that won.
    pub origin: Origin,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_named_as_people_look_for_them() {
        for (origin, text) in [
            (Origin::File { name: "swit.toml".into(), line: 12 }, "swit.toml:12"),
            (Origin::Environment { variable: "SWIT_TRANSPORT".into() }, "environment variable SWIT_TRANSPORT"),
            (Origin::Builder, "builder"),
        ] {
            assert_eq!(origin.to_string(), text);
        }
    }
}
