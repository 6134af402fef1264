//! Money: exact decimals, never floats.
//!
//! An amount has at most 4 decimals and is not negative. It is written as JSON text (`"19.90"`), since a JSON number
//! goes through a float in most readers. The largest amount is what 96 bits hold: without decimals
//! 79228162514264337593543950335, with four of them a ten-thousandth of it. What is larger is refused, not rounded.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::{Quantity, text::short};

/// Most decimals of an amount.
const MOST_DECIMALS: u32 = 4;

/// An amount of money in a currency that stands elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(Decimal);

/// Why a text is no amount of money, or a sum cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// Not digits, or digits, a point and digits.
    #[error("not a decimal like \"19.90\" (digits, at most one point, no sign, no exponent)")]
    NotDecimal,
    /// A fifth decimal.
    #[error("more than 4 decimals")]
    TooManyDecimals,
    /// More than 96 bits.
    #[error("too large: an amount and its sum must fit into 96 bits")]
    TooLarge,
}

impl Money {
    /// Near to it, for what is only counted in buckets.
    pub fn to_f64(self) -> f64 {
        use rust_decimal::prelude::ToPrimitive as _;
        self.0.to_f64().unwrap_or(f64::NAN)
    }

    /// The sum of quantities times prices, exact, with as many decimals as the price that has most.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn total(lines: impl IntoIterator<Item = (Quantity, Self)>) -> Result<Self, MoneyError> {
        let (mut sum, mut scale) = (0i128, 0);
        for (quantity, Self(price)) in lines {
            scale = scale.max(price.scale());
            // 96 bits times 10^4 times 10^4 is less than 123 bits.
            let product = price.mantissa() * tens(MOST_DECIMALS - price.scale()) * i128::from(quantity.get());
            sum = sum.checked_add(product).ok_or(MoneyError::TooLarge)?;
        }
        // No price has more decimals than `scale`, so nothing but zeros is cut.
        let mantissa = sum / tens(MOST_DECIMALS - scale);
        Decimal::try_from_i128_with_scale(mantissa, scale).map(Self).map_err(|_| MoneyError::TooLarge)
    }
}

fn tens(power: u32) -> i128 {
    10i128.pow(power)
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let (whole, decimals) = match text.split_once('.') {
            Some((_, "")) => return Err(MoneyError::NotDecimal),
            Some((whole, decimals)) => (whole, decimals),
            None => (text, ""),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) {
            return Err(MoneyError::NotDecimal);
        }
        let scale = u32::try_from(decimals.len()).unwrap_or(u32::MAX);
        if scale > MOST_DECIMALS {
            return Err(MoneyError::TooManyDecimals);
        }
        let mantissa = whole
            .bytes()
            .chain(decimals.bytes())
            .try_fold(0i128, |sum, digit| sum.checked_mul(10)?.checked_add(i128::from(digit - b'0')));
        let mantissa = mantissa.ok_or(MoneyError::TooLarge)?;
        Decimal::try_from_i128_with_scale(mantissa, scale).map(Self).map_err(|_| MoneyError::TooLarge)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Amount;
        impl de::Visitor<'_> for Amount {
            type Value = Money;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal as text, like \"19.90\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Money, E> {
                text.parse().map_err(|error| E::custom(format_args!("the amount {:?} is {error}", short(text))))
            }
        }
        deserializer.deserialize_str(Amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: &str = "79228162514264337593543950335";

    fn money(text: &str) -> Result<Money, MoneyError> {
        text.parse()
    }

    fn quantity(number: u16) -> Quantity {
        serde_json::from_value(number.into()).unwrap()
    }

    #[test]
    fn decimals_are_read_exactly() {
        for text in ["0", "0.00", "19.90", "0.0001", LARGEST, "7922816251426433759354395.0335"] {
            assert_eq!(money(text).unwrap().to_string(), text);
        }
        assert_eq!(money(&format!("{}1.5", "0".repeat(10_000))).unwrap().to_string(), "1.5");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", ".", ".5", "5.", "-1", "-0", "+1", "1e3", " 1", "1 ", "1,5", "1.2.3", "NaN", "٣", "0x1", "1_0"]
        {
            assert_eq!(money(text), Err(MoneyError::NotDecimal), "{text}");
        }
        assert_eq!(money("1.00000"), Err(MoneyError::TooManyDecimals));
        for text in [format!("{LARGEST}0"), format!("{LARGEST}.1"), "9".repeat(5_000)] {
            assert_eq!(money(&text), Err(MoneyError::TooLarge), "{text}");
        }
        assert!(serde_json::from_str::<Money>("19.90").is_err(), "a JSON number");
    }

    #[test]
    fn a_total_is_exact_or_refused() {
        let total = |lines: &[(u16, &str)]| {
            let lines: Vec<_> = lines.iter().map(|(n, price)| (quantity(*n), money(price).unwrap())).collect();
            Money::total(lines).map(|sum| sum.to_string())
        };
        assert_eq!(total(&[(3, "0.10"), (1, "0.0001")]).unwrap(), "0.3001");
        assert_eq!(total(&[(2, "19.90")]).unwrap(), "39.80");
        assert_eq!(total(&[(1, LARGEST)]).unwrap(), LARGEST);
        assert_eq!(total(&[(2, LARGEST)]), Err(MoneyError::TooLarge));
        assert_eq!(total(&[(1, LARGEST), (1, "0.1")]), Err(MoneyError::TooLarge));
        assert_eq!(total(&[(10_000, LARGEST); 40]), Err(MoneyError::TooLarge));
    }
}
