//! What orders are counted by: their type and region, from small closed sets.
//!
//! Both are optional and never make an order invalid: whatever is missing or not in the set counts as `other`, so that
//! what is counted by them stays bounded.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($(#[$label_doc:meta])* $label:ident = $text:literal,)* })*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub enum $name {
            $($(#[$label_doc])* $label,)*
            /// Missing, or not in the set.
            #[default]
            Other,
        }

        impl $name {
            /// All labels, in order.
            pub const ALL: &'static [Self] = &[$(Self::$label,)* Self::Other];

            /// The label's name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$label => $text,)*
                    Self::Other => "other",
                }
            }

            fn of(text: &str) -> Self {
                match text {
                    $($text => Self::$label,)*
                    _ => Self::Other,
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Label(Self::of))
            }
        }
    )* };
}

labels! {
    /// What kind of order it is.
    OrderType {
        /// A person's order.
        Retail = "retail",
        /// A shop's order.
        Wholesale = "wholesale",
        /// An order that comes again by itself.
        Subscription = "subscription",
        /// An order for somebody else.
        Gift = "gift",
    }
    /// Where an order goes.
    Region {
        /// Africa.
        Africa = "africa",
        /// North, Central and South America.
        Americas = "americas",
        /// Asia.
        Asia = "asia",
        /// Europe.
        Europe = "europe",
        /// Oceania.
        Oceania = "oceania",
    }
}

/// What an order is counted by. Every event of the flow carries it on, so that whoever hears the last one can count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Labels {
    /// What kind of order it is.
    #[serde(rename = "type", default)]
    pub order_type: OrderType,
    /// Where it goes.
    #[serde(default)]
    pub region: Region,
}

/// Reads a text; anything else that is JSON is no label, and no error.
struct Label<T>(fn(&str) -> T);

impl<'de, T: Default> de::Visitor<'de> for Label<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a label")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok((self.0)(text))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(T::default())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(T::default())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(T::default())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(T::default())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(T::default())
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<de::IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<de::IgnoredAny, de::IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_other() {
        let read = |text: &str| serde_json::from_str::<Region>(text).unwrap();
        assert_eq!(read("\"asia\""), Region::Asia);
        for other in ["\"Asia\"", "\"\"", "\"moon\"", "null", "5", "-5", "1.5", "true", "[1,[2]]", "{\"a\":{}}"] {
            assert_eq!(read(other), Region::Other, "{other}");
        }
        assert_eq!(serde_json::to_string(&OrderType::Gift).unwrap(), "\"gift\"");
    }
}
