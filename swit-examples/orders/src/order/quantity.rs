//! How many of an article: a JSON integer from 1 to 10,000.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// How many of an article: 1 to 10,000, written as a JSON integer (not `2.0`, not `"2"`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Quantity(u16);

impl Quantity {
    const MOST: u16 = 10_000;

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl de::Visitor<'_> for Whole {
            type Value = Quantity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an integer from 1 to {}", Quantity::MOST)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Quantity, E> {
                match u16::try_from(number) {
                    Ok(number @ 1..=Quantity::MOST) => Ok(Quantity(number)),
                    _ => Err(E::invalid_value(de::Unexpected::Unsigned(number), &self)),
                }
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Quantity, E> {
                match u64::try_from(number) {
                    Ok(number) => self.visit_u64(number),
                    Err(_) => Err(E::invalid_value(de::Unexpected::Signed(number), &self)),
                }
            }
        }
        deserializer.deserialize_u16(Whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_integers_in_range() {
        let read = |text: &str| serde_json::from_str::<Quantity>(text);
        assert_eq!(read("1").unwrap().get(), 1);
        assert_eq!(read("10000").unwrap().get(), 10_000);
        for wrong in
            ["0", "-1", "10001", "65537", "2.0", "2e0", "\"2\"", "null", "true", "1e999", "99999999999999999999"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
