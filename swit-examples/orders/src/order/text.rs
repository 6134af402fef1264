//! Short texts with a rule: ids and article numbers of 1 to 64 characters, currencies of three capitals.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, de};

/// Most characters (Unicode scalar values) of an id or article number.
const MOST_CHARACTERS: usize = 64;

macro_rules! bounded {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        ///
        /// 1 to 64 characters, counted as Unicode scalar values.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_string(Bounded).map(Self)
            }
        }
    )* };
}

bounded! {
    /// The id of an order.
    OrderId;
    /// The id of a customer.
    CustomerId;
    /// The number of an article.
    Sku;
}

/// Reads a text of 1 to 64 characters.
struct Bounded;

impl de::Visitor<'_> for Bounded {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text of 1 to {MOST_CHARACTERS} characters")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        // Every character has a byte: most texts need no counting.
        let fits = text.len() <= MOST_CHARACTERS || text.chars().nth(MOST_CHARACTERS).is_none();
        match fits && !text.is_empty() {
            true => Ok(text.to_owned()),
            false if text.is_empty() => Err(E::custom("an empty text, expected 1 to 64 characters")),
            false => Err(E::custom(format_args!("{} characters, expected 1 to 64", text.chars().count()))),
        }
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<String, E> {
        self.visit_str::<E>(&text).map(|_| text)
    }
}

/// A currency: three ASCII capitals, as ISO 4217 spells them. Whether it exists is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The three capitals.
    pub fn as_str(&self) -> &str {
        // Only ASCII capitals are ever stored.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Capitals;
        impl de::Visitor<'_> for Capitals {
            type Value = Currency;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a currency of three capital letters")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Currency, E> {
                match <[u8; 3]>::try_from(text.as_bytes()) {
                    Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Currency(letters)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(&short(text)), &self)),
                }
            }
        }
        deserializer.deserialize_str(Capitals)
    }
}

/// A text as error messages quote it: what is long is cut.
pub(super) fn short(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(40) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> bool {
        serde_json::from_value::<Sku>(text.into()).is_ok()
    }

    #[test]
    fn characters_count_not_bytes() {
        assert!(id("a") && id(&"ß".repeat(64)) && id(&"🍵".repeat(64)));
        assert!(!id("") && !id(&"a".repeat(65)) && !id(&"茶".repeat(65)));
    }

    #[test]
    fn a_currency_is_three_ascii_capitals() {
        let read =
            |text: &str| serde_json::from_value::<Currency>(text.into()).map(|currency| currency.as_str().to_owned());
        assert_eq!(read("EUR").unwrap(), "EUR");
        for wrong in ["", "eur", "EU", "EURO", "€", "ÉU", "EU1", " EU"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
