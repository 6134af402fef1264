//! What must be in the tables once all is over: of each order one outcome, and of each step one row or none, by the rules
//! alone.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ground::Ground;

/// The tables of effects, in the order of the steps.
const TABLES: [(&str, &str); 10] = [
    ("reservation", "SELECT order_id FROM reservation"),
    ("released_reservation", "SELECT order_id FROM released_reservation"),
    ("charge", "SELECT reference FROM charge"),
    ("refund", "SELECT reference FROM refund"),
    ("shipping_request", "SELECT order_id FROM shipping_request"),
    ("recalled_shipping", "SELECT order_id FROM recalled_shipping"),
    ("parcel", "SELECT order_id FROM parcel"),
    ("shipment", "SELECT order_id FROM shipment"),
    ("confirmation", "SELECT order_id FROM confirmation"),
    ("cancellation", "SELECT order_id FROM cancellation"),
];

/// How an order has to end, and how often each thing is done.
fn due(order: &Value) -> (&'static str, &'static str, [usize; TABLES.len()]) {
    let items = order["items"].as_array().unwrap();
    if items.iter().any(|item| item["sku"].as_str().unwrap().starts_with("OOS-")) {
        return ("rejected", "out_of_stock", [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    }
    let token = order["payment"]["token"].as_str().unwrap();
    let is = |kind: &str| token.starts_with(&format!("tok_{kind}"));
    if is("declined") {
        ("rejected", "payment_declined", [1, 1, 0, 0, 0, 0, 0, 0, 0, 1])
    } else if is("down") {
        ("dead_lettered", "max_retries_exceeded", [1, 1, 0, 0, 0, 0, 0, 0, 0, 1])
    } else if is("panic") {
        // Paid, and nobody knows: what is in doubt is given back.
        ("dead_lettered", "max_retries_exceeded", [1, 1, 1, 1, 0, 0, 0, 0, 0, 1])
    } else {
        ("completed", "", [1, 0, 1, 0, 1, 0, 1, 1, 1, 0])
    }
}

/// Holds the tables to the rules: all orders are over, and nothing is done twice.
pub(crate) fn check(ground: &Ground, when: &str) {
    let lines = ground.rows(
        "SELECT line.input, CAST(line.number AS TEXT), CAST(count(outcome.number) AS TEXT) FROM line
         LEFT JOIN outcome ON outcome.input = line.input AND outcome.number = line.number GROUP BY 1, 2",
    );
    let torn: Vec<_> = lines.iter().filter(|line| line[2] != "1").collect();
    assert!(torn.is_empty(), "{when}: C: lines without one outcome: {torn:?}");
    let done = TABLES.map(|(_, query)| {
        let mut times = BTreeMap::<String, usize>::new();
        for mut row in ground.rows(query) {
            *times.entry(row.swap_remove(0)).or_default() += 1;
        }
        times
    });
    let orders = ground.rows(
        "SELECT placed_order.order_id, content, outcome, coalesce(reason, '') FROM placed_order, outcome
         WHERE outcome.input = placed_order.input AND outcome.number = placed_order.number",
    );
    for order in &orders {
        let [id, content, outcome, reason] = &order[..] else { panic!("{order:?}") };
        let times = done.each_ref().map(|table| table.get(id).copied().unwrap_or_default());
        let (due_outcome, due_reason, due_times) = due(&serde_json::from_str(content).unwrap());
        let tables = TABLES.map(|(name, _)| name);
        assert_eq!((outcome.as_str(), reason.as_str()), (due_outcome, due_reason), "{when}: the outcome of `{id}`");
        assert_eq!(
            times, due_times,
            "{when}: C: how often each thing was done of `{id}` ({outcome} {reason}): {tables:?}"
        );
    }
    let invented: usize =
        done.iter().flat_map(BTreeMap::keys).filter(|id| !orders.iter().any(|order| order[0] == **id)).count();
    assert_eq!(invented, 0, "{when}: B: things were done of orders that nobody placed");
    let unfinished = ground.rows("SELECT key, state, journal FROM swit_saga WHERE finished_at IS NULL");
    assert!(unfinished.is_empty(), "{when}: sagas are not over: {unfinished:?}");
    let sagas = ground.rows("SELECT key FROM swit_saga").len();
    assert_eq!(sagas, orders.len(), "{when}: one saga an order");
}
