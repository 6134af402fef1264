//! Valid orders, whatever becomes of them.

use std::fmt::Write as _;

use super::{random::Random, words};

/// The fields of an order, each as it stands in the JSON.
#[derive(Debug)]
pub(super) struct Plan {
    id: String,
}

impl Plan {
    /// The order of this number. Its id depends on nothing else, so that it can be repeated.
    pub(super) fn new(number: u64) -> Self {
        let mut random = Random::new(number);
        Self { id: format!("{}-{number:07}", random.pick(words::ORDERS)) }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// Writes a valid order.
pub(super) fn order(plan: &Plan, random: &mut Random, out: &mut String) {
    let customer = random.pick(words::CUSTOMERS);
    let currency = random.pick(words::CURRENCIES);
    // A `String` takes everything that is written to it.
    let _ = write!(out, r#"{{"order_id": "{}", "customer_id": "{customer}", "currency": "{currency}", "#, plan.id);
    out.push_str("\"placed_at\": \"");
    placed_at(random, out);
    out.push_str("\", \"items\": [");
    let out_of_stock = random.one_in(20);
    let items = 1 + random.below(4);
    for index in 0..items {
        if index > 0 {
            out.push_str(", ");
        }
        item(out_of_stock && index == items - 1, random, out);
    }
    let method = random.pick(words::METHODS);
    let _ = write!(out, r#"], "payment": {{"method": "{method}", "token": ""#);
    token(random, out);
    out.push_str("\"}");
    extras(random, out);
    out.push('}');
}

/// A date and time of 2026, in one of the ways that RFC 3339 allows.
pub(super) fn placed_at(random: &mut Random, out: &mut String) {
    let (month, day) = (1 + random.below(12), 1 + random.below(28));
    let (hour, minute, second) = (random.below(24), random.below(60), random.below(60));
    let fraction = random.pick(&["", "", "", ".5", ".123456789"]);
    let offset = random.pick(&["Z", "Z", "Z", "+01:00", "-08:00", "+05:30", "-00:00"]);
    let _ = write!(out, "2026-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}");
}

fn item(out_of_stock: bool, random: &mut Random, out: &mut String) {
    let prefix = if out_of_stock { "OOS-" } else { "" };
    let article = random.pick(words::ARTICLES);
    let quantity = if random.one_in(50) { 10_000 } else { 1 + random.below(12) };
    let whole = random.below(500);
    let cents = random.below(10_000);
    let _ = write!(out, r#"{{"sku": "{prefix}{article}", "quantity": {quantity}, "unit_price": "{whole}"#);
    let _ = match random.below(10) {
        0 => write!(out, ".{cents:04}"),
        1 => Ok(()),
        _ => write!(out, ".{:02}", cents % 100),
    };
    out.push_str("\"}");
}

fn token(random: &mut Random, out: &mut String) {
    let kind = match random.below(100) {
        0..5 => "declined_",
        5..9 => "flaky_",
        9..11 => "down_",
        11..13 => "panic_",
        _ => "",
    };
    let _ = write!(out, "tok_{kind}{:06}", random.below(1_000_000));
}

fn extras(random: &mut Random, out: &mut String) {
    if !random.one_in(3) {
        let _ = write!(out, r#", "type": "{}""#, random.pick(words::TYPES));
    }
    if !random.one_in(3) {
        let _ = write!(out, r#", "region": "{}""#, random.pick(words::REGIONS));
    }
    if random.one_in(8) {
        let _ = write!(out, r#", "note": "{}""#, random.pick(words::NOTES));
    }
    if random.one_in(20) {
        out.push_str(r#", "meta": {"tags": ["a", {"b": [1, 2.5, null, true]}], "score": 1e300}"#);
    }
}
