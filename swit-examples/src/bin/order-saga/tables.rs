//! The program's own tables, beside swit's in the same database.
//!
//! An effect is a row, and what undoes it is another one: how often a thing was done is how many rows there are. Only where a
//! thing must not be done twice whoever asks for it is there a primary key: the partners', and who was first with an id.

use swit::Migrations;

/// Makes them.
pub(crate) fn migrations() -> Migrations {
    Migrations::new("order-saga")
        // A line that was read, when, in microseconds since 1970.
        .step(
            "CREATE TABLE line (input TEXT NOT NULL, number BIGINT NOT NULL, read_at BIGINT NOT NULL,
             PRIMARY KEY (input, number))",
        )
        // The first line with an id, and what it says as JSON.
        .step(
            "CREATE TABLE placed_order (order_id TEXT PRIMARY KEY, input TEXT NOT NULL, number BIGINT NOT NULL,
             content TEXT NOT NULL)",
        )
        // What became of a line: completed, rejected, dead_lettered, duplicate.
        .step(
            "CREATE TABLE outcome (input TEXT NOT NULL, number BIGINT NOT NULL, outcome TEXT NOT NULL, reason TEXT,
             error TEXT, order_id TEXT, type TEXT, region TEXT, ended_at BIGINT NOT NULL)",
        )
        .step("CREATE INDEX outcome_of_line ON outcome (input, number)")
        // The saga's effects, in the order of its steps, and what undoes them.
        .step("CREATE TABLE reservation (order_id TEXT NOT NULL, articles BIGINT NOT NULL)")
        .step("CREATE TABLE released_reservation (order_id TEXT NOT NULL, articles BIGINT NOT NULL)")
        .step("CREATE TABLE shipping_request (order_id TEXT NOT NULL)")
        .step("CREATE INDEX shipping_request_of_order ON shipping_request (order_id)")
        .step("CREATE TABLE recalled_shipping (order_id TEXT NOT NULL)")
        .step("CREATE TABLE shipment (order_id TEXT NOT NULL, carrier TEXT NOT NULL)")
        .step("CREATE TABLE confirmation (order_id TEXT NOT NULL)")
        .step("CREATE TABLE cancellation (order_id TEXT NOT NULL, reason TEXT NOT NULL)")
        // The partners' ledgers. What they are asked twice they do once.
        .step("CREATE TABLE charge (reference TEXT PRIMARY KEY, amount TEXT NOT NULL, currency TEXT NOT NULL)")
        .step("CREATE TABLE refund (reference TEXT PRIMARY KEY)")
        .step("CREATE TABLE parcel (order_id TEXT PRIMARY KEY, carrier TEXT NOT NULL)")
}
