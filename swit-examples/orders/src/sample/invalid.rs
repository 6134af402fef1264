//! Lines that are no valid order, each for one reason.

use std::fmt::Write as _;

use super::{random::Random, valid::Plan};

/// A valid order with the markers that [`FIELDS`] replace.
const GOOD: &str = r#"{"order_id": "ID", "customer_id": "C-1", "currency": "EUR", "placed_at": "2026-05-04T10:00:00Z", "items": [{"sku": "TEA-1", "quantity": 2, "unit_price": "19.90"}], "payment": {"method": "card", "token": "tok_1"}}"#;

/// What is replaced by what.
const FIELDS: &[(&str, &str)] = &[
    // The wrong kind of value.
    (r#""quantity": 2"#, r#""quantity": "2""#),
    (r#""quantity": 2"#, r#""quantity": 2.0"#),
    (r#""quantity": 2"#, r#""quantity": 2e0"#),
    (r#""quantity": 2"#, r#""quantity": null"#),
    (r#""unit_price": "19.90""#, r#""unit_price": 19.90"#),
    (r#""unit_price": "19.90""#, r#""unit_price": 19"#),
    (r#""order_id": "ID""#, r#""order_id": 4711"#),
    (r#""customer_id": "C-1""#, r#""customer_id": null"#),
    (r#""currency": "EUR""#, r#""currency": 978"#),
    (r#""placed_at": "2026-05-04T10:00:00Z""#, r#""placed_at": 1777888800"#),
    (r#""payment": {"method": "card", "token": "tok_1"}"#, r#""payment": "card""#),
    (r#""payment": {"method": "card", "token": "tok_1"}"#, r#""payment": ["card", "tok_1"]"#),
    (r#""items": [{"sku": "TEA-1", "quantity": 2, "unit_price": "19.90"}]"#, r#""items": {"sku": "TEA-1"}"#),
    (r#"{"sku": "TEA-1", "quantity": 2, "unit_price": "19.90"}"#, r#"["TEA-1", 2, "19.90"]"#),
    // A value out of range.
    (r#""quantity": 2"#, r#""quantity": 0"#),
    (r#""quantity": 2"#, r#""quantity": -2"#),
    (r#""quantity": 2"#, r#""quantity": 10001"#),
    (r#""quantity": 2"#, r#""quantity": 99999999999999999999"#),
    ("19.90", "-19.90"),
    ("19.90", "19.90000"),
    ("19.90", "19,90"),
    ("19.90", "1e2"),
    ("19.90", "NaN"),
    ("19.90", ""),
    ("19.90", "٣.٥"),
    ("19.90", "99999999999999999999999999999999999999.9999"),
    // Fits alone; two of it do not.
    ("19.90", "79228162514264337593543950335"),
    ("EUR", "eur"),
    ("EUR", "EURO"),
    ("EUR", "€"),
    ("EUR", "ЕUR"),
    ("\"ID\"", "\"\""),
    ("\"ID\"", r#""ooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo""#),
    (
        "TEA-1",
        "茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶",
    ),
    ("2026-05-04T10:00:00Z", "2026-02-30T10:00:00Z"),
    ("2026-05-04T10:00:00Z", "2026-05-04 10:00"),
    ("2026-05-04T10:00:00Z", "yesterday"),
    // Something missing, twice, or too much.
    (r#""order_id": "ID", "#, ""),
    (r#""currency": "EUR", "#, ""),
    (r#""placed_at": "2026-05-04T10:00:00Z", "#, ""),
    (r#", "payment": {"method": "card", "token": "tok_1"}"#, ""),
    (r#", "token": "tok_1""#, ""),
    (r#""sku": "TEA-1", "#, ""),
    (r#"{"sku": "TEA-1", "quantity": 2, "unit_price": "19.90"}"#, ""),
    (r#""currency": "EUR""#, r#""currency": "EUR", "currency": "USD""#),
    // No JSON.
    ("}}", "}"),
    ("}}", "}},"),
    ("}}", "}} {}"),
    ("}}", "},}"),
    ("\"tok_1\"", "\"tok_1"),
    ("\"tok_1\"", "'tok_1'"),
    ("\"tok_1\"", "\"\\ud83c\""),
    ("{\"order_id\"", "[{\"order_id\""),
    ("{\"order_id\"", "// {\"order_id\""),
];

/// Lines that have nothing of an order.
const NOTHING: &[&str] = &[
    "{}",
    "[]",
    "null",
    "42",
    "\"order\"",
    "hello",
    "<order/>",
    "{",
    "}",
    "order_id,customer_id",
    "нет",
    "\u{1f4a5}",
    "NaN",
];

/// Writes an invalid line.
pub(super) fn line(plan: &Plan, random: &mut Random, out: &mut String) {
    match random.below(12) {
        0 => out.push_str(random.pick(NOTHING)),
        1 => too_deep(plan, random, out),
        2 => array(plan, out),
        _ => {
            let (from, to) = random.pick(FIELDS);
            // Of several that match, the first is meant; an id is put in last, so that no mistake touches it.
            out.push_str(&GOOD.replacen(from, to, 1).replacen("\"ID\"", &format!("\"{}\"", plan.id()), 1));
        }
    }
}

/// Deeper than 128 levels, in a field that nobody reads.
fn too_deep(plan: &Plan, random: &mut Random, out: &mut String) {
    let levels = 128 + usize::try_from(random.below(40)).unwrap_or_default();
    let deep = format!("{{\"deep\": {}{}, ", "[".repeat(levels), "]".repeat(levels));
    out.push_str(&GOOD.replacen("ID", plan.id(), 1).replacen('{', &deep, 1));
}

/// The values without their names.
fn array(plan: &Plan, out: &mut String) {
    let id = plan.id();
    // A `String` takes everything that is written to it.
    let _ = write!(
        out,
        r#"["{id}", "C-1", "EUR", "2026-05-04T10:00:00Z", [{{"sku": "TEA-1", "quantity": 2, "unit_price": "19.90"}}], {{"method": "card", "token": "tok_1"}}]"#
    );
}
