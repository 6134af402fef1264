//! What must come out, worked out one line after the other by the rules alone: no swit, no events, no types of the
//! service.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

/// The figures that a summary must show.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    read: u64,
    completed: u64,
    rejected: u64,
    dead_lettered: BTreeMap<&'static str, u64>,
    duplicates: u64,
    pub(crate) retries: u64,
    /// The lines that are dead-lettered, and why.
    pub(crate) dead_lines: BTreeMap<u64, &'static str>,
}

impl Expected {
    /// Holds a summary to the figures.
    pub(crate) fn check(&self, summary: &Value) {
        self.check_outcomes(summary);
        assert_eq!(summary["retries"], self.retries, "{summary}");
    }

    /// Holds a summary to the figures, but for the attempts that it took.
    pub(crate) fn check_outcomes(&self, summary: &Value) {
        let found = json!({
            "read": summary["read"], "completed": summary["completed"], "rejected": summary["rejected"],
            "dead_lettered": summary["dead_lettered"], "duplicates": summary["duplicates"],
        });
        let expected = json!({
            "read": self.read, "completed": self.completed, "rejected": self.rejected,
            "dead_lettered": self.dead_lettered, "duplicates": self.duplicates,
        });
        assert_eq!(found, expected);
    }

    fn dead(&mut self, line: u64, reason: &'static str) {
        *self.dead_lettered.entry(reason).or_default() += 1;
        self.dead_lines.insert(line, reason);
    }
}

/// Goes through an input.
pub(crate) fn expect(input: &[u8]) -> Expected {
    let mut expected = Expected::default();
    let mut seen = HashSet::new();
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    for (line, number) in input.split(|byte| *byte == b'\n').zip(1..) {
        if std::str::from_utf8(line).is_ok_and(|text| text.trim().is_empty()) {
            continue;
        }
        expected.read += 1;
        let Some(order) = order(line) else {
            expected.dead(number, "invalid_input");
            continue;
        };
        if !seen.insert(order["order_id"].as_str().unwrap().to_owned()) {
            expected.duplicates += 1;
            continue;
        }
        let items = order["items"].as_array().unwrap();
        if items.iter().any(|item| item["sku"].as_str().unwrap().starts_with("OOS-")) {
            expected.rejected += 1;
            continue;
        }
        let token = order["payment"]["token"].as_str().unwrap();
        let is = |kind: &str| token.starts_with(&format!("tok_{kind}"));
        if is("declined") {
            expected.rejected += 1;
        } else if is("down") || is("panic") {
            expected.retries += 3;
            expected.dead(number, "max_retries_exceeded");
        } else {
            expected.retries += if is("flaky") { 2 } else { 0 };
            expected.completed += 1;
        }
    }
    expected
}

/// The order of a line, if it is a valid one.
fn order(line: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(line).ok()?;
    // Deeper than 128 levels is refused before it is read; no line here has brackets in texts that come near.
    let mut depth = 0;
    for byte in text.bytes() {
        depth += i32::from(matches!(byte, b'[' | b'{')) - i32::from(matches!(byte, b']' | b'}'));
        if depth > 128 {
            return None;
        }
    }
    let value: Value = serde_json::from_str(text).ok()?;
    let order = value.as_object()?;
    let known = ["order_id", "customer_id", "currency", "placed_at", "items", "payment", "type", "region"];
    // A `Value` keeps the last of two; the text has both. No line here has such a key anywhere else.
    if known.iter().any(|key| text.matches(&format!("\"{key}\":")).count() > 1) {
        return None;
    }
    let id = |value: &Value| value.as_str().is_some_and(|text| (1..=64).contains(&text.chars().count()));
    let currency = order.get("currency")?.as_str()?;
    let items = order.get("items")?.as_array()?;
    let payment = order.get("payment")?.as_object()?;
    let valid = id(order.get("order_id")?)
        && id(order.get("customer_id")?)
        && currency.len() == 3
        && currency.bytes().all(|byte| byte.is_ascii_uppercase())
        && date_time(order.get("placed_at")?.as_str()?)
        && payment.get("method")?.is_string()
        && payment.get("token")?.is_string()
        && !items.is_empty()
        && items.iter().all(|item| {
            item.is_object()
                && id(&item["sku"])
                && item["quantity"].as_u64().is_some_and(|quantity| (1..=10_000).contains(&quantity))
                && item["unit_price"].as_str().is_some_and(price)
        })
        && total(items);
    valid.then_some(value)
}

fn price(text: &str) -> bool {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(decimals) && decimals.len() <= 4
}

/// Whether prices and their sum fit into 96 bits, at as many decimals as the finest price has.
fn total(items: &[Value]) -> bool {
    let scale_of = |text: &str| text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let price = |item: &Value| item["unit_price"].as_str().unwrap().to_owned();
    let scale = items.iter().map(|item| scale_of(&price(item))).max().unwrap_or(0);
    let mut sum = 0u128;
    for item in items {
        let text = price(item);
        let Ok(mantissa) = text.replace('.', "").parse::<u128>() else { return false };
        if mantissa >= 1 << 96 {
            return false;
        }
        let tens = 10u128.pow(u32::try_from(scale - scale_of(&text)).unwrap());
        sum += mantissa * tens * u128::from(item["quantity"].as_u64().unwrap());
    }
    sum < 1 << 96
}

/// `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)` on a day that exists.
fn date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', 't']) else { return false };
    let Some(zone) = time.find(['Z', 'z', '+', '-']) else { return false };
    let (clock, zone) = time.split_at(zone);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let numbers = |text: &str, separator: char, widths: &[usize]| -> Option<Vec<u32>> {
        let parts: Vec<&str> = text.split(separator).collect();
        let right = parts.len() == widths.len()
            && parts
                .iter()
                .zip(widths)
                .all(|(part, width)| part.len() == *width && part.bytes().all(|byte| byte.is_ascii_digit()));
        right.then(|| parts.iter().map(|part| part.parse().unwrap()).collect())
    };
    let (Some(date), Some(clock)) = (numbers(date, '-', &[4, 2, 2]), numbers(clock, ':', &[2, 2, 2])) else {
        return false;
    };
    let leap = date[0] % 4 == 0 && (date[0] % 100 != 0 || date[0] % 400 == 0);
    let days = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let offset = zone.eq_ignore_ascii_case("z")
        || numbers(&zone[1..], ':', &[2, 2]).is_some_and(|offset| offset[0] < 24 && offset[1] < 60);
    (1..=12).contains(&date[1])
        && (1..=days[date[1] as usize - 1]).contains(&date[2])
        && clock[0] < 24
        && clock[1] < 60
        && clock[2] < 60
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
        && offset
}
