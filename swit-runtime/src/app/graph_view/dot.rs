//! The graph in Graphviz's language.

use std::fmt::Write as _;

use super::{
    graph::{Flow, Graph, Kind, Node},
    mermaid::hidden,
};

pub(super) fn write(graph: &Graph<'_>) -> String {
    let mut text = String::new();
    // Writing to a `String` can't fail.
    let _ = writeln!(text, "digraph \"{}\" {{", escape(graph.service));
    text += "  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n";
    let _ = writeln!(text, "  subgraph cluster_service {{\n    label=\"{}\";", escape(graph.service));
    for node in &graph.subscribers {
        let _ = writeln!(text, "    {}", line(node));
    }
    text += "  }\n";
    for node in &graph.places {
        let _ = writeln!(text, "  {}", line(node));
    }
    for edge in &graph.edges {
        let attributes = match edge.kind {
            Flow::Consumes => "",
            Flow::Publishes => " [label=\"publishes\"]",
            Flow::Takes => " [dir=none]",
            Flow::Matches => " [style=dashed]",
            Flow::DeadLetters => " [label=\"gives up\", style=dashed, color=\"#cc0000\"]",
        };
        let _ = writeln!(text, "  \"{}\" -> \"{}\"{attributes};", edge.from, edge.to);
    }
    text += "}\n";
    text
}

fn line(node: &Node) -> String {
    // `\n` is a line's end in a label, centred.
    let label = node.lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("\\n");
    let look = match node.kind {
        Kind::Topic => "shape=ellipse",
        Kind::Pattern => "shape=ellipse, style=dashed",
        Kind::Queue => "shape=cylinder",
        Kind::DeadLetter => "shape=cylinder, color=\"#cc0000\"",
        Kind::Subscriber => "shape=box",
        Kind::Publisher => "shape=parallelogram",
        Kind::Saga => "shape=box3d",
        Kind::DisabledSaga => "shape=box3d, style=dashed, fontcolor=gray",
        Kind::Disabled => "shape=box, style=dashed, fontcolor=gray",
    };
    format!("\"{}\" [label=\"{label}\", {look}];", node.id)
}

/// Text inside a quoted label: quotes end it, backslashes and HTML entities mean something in it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '&' => escaped.push_str("&amp;"),
            char if hidden(char) => escaped.push(char::REPLACEMENT_CHARACTER),
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::view::tests::{hostile, orders};

    #[test]
    fn one_of_everything() {
        assert_eq!(
            orders().dot(),
            r##"digraph "orders" {
  rankdir=LR;
  node [fontname="sans-serif"];
  subgraph cluster_service {
    label="orders";
    "s_audit" [label="audit\ngroup orders\ndisabled\nsrc/main.rs:10", shape=box, style=dashed, fontcolor=gray];
    "s_bury" [label="bury\ngroup orders\nsrc/main.rs:10", shape=box];
    "s_confirm_2d_order" [label="confirm-order\ngroup orders\nmiddleware authenticate, measure\nsrc/main.rs:10", shape=box];
    "p_receipt" [label="receipt\nasync\nsrc/main.rs:20", shape=parallelogram];
    "g_place_2d_order" [label="place-order\nsaga, version 2\n1 reserve, undone by release\n2 ship\nsrc/main.rs:30", shape=box3d];
  }
  "t_nobody_2e_listens" [label="nobody.listens\nUnheard", shape=ellipse];
  "t_order_2e__2a_" [label="order.*", shape=ellipse, style=dashed];
  "t_order_2e_confirmed" [label="order.confirmed\nOrderConfirmed", shape=ellipse];
  "t_payment_2e_completed" [label="payment.completed\nPaymentCompleted", shape=ellipse];
  "t_receipt_2e_issued" [label="receipt.issued", shape=ellipse];
  "q_orders_2e_confirm_2d_order_2e_dlq" [label="orders.confirm-order.dlq", shape=cylinder, color="#cc0000"];
  "p_receipt" -> "t_receipt_2e_issued" [label="publishes"];
  "q_orders_2e_confirm_2d_order_2e_dlq" -> "s_bury";
  "s_confirm_2d_order" -> "g_place_2d_order" [dir=none];
  "s_confirm_2d_order" -> "p_receipt" [dir=none];
  "s_confirm_2d_order" -> "q_orders_2e_confirm_2d_order_2e_dlq" [label="gives up", style=dashed, color="#cc0000"];
  "s_confirm_2d_order" -> "t_order_2e_confirmed" [label="publishes"];
  "t_order_2e__2a_" -> "s_audit";
  "t_order_2e_confirmed" -> "t_order_2e__2a_" [style=dashed];
  "t_payment_2e_completed" -> "s_confirm_2d_order";
}
"##
        );
    }

    #[test]
    fn no_name_leaves_its_quotes() {
        let text = hostile().dot();
        assert!(text.contains("&amp;amp;#quot;\\\\N") && text.contains("é漢") && !text.contains('\u{202e}'));
        for line in text.lines() {
            let unescaped = line.replace("\\\\", "").replace("\\\"", "");
            assert_eq!(unescaped.matches('"').count() % 2, 0, "{line}");
        }
        // Five lines of head, label included, one subscriber, one publisher, one saga, their end, two topics, one queue,
        // seven edges, the end.
        assert_eq!(text.lines().count(), 5 + 1 + 1 + 1 + 1 + 2 + 1 + 7 + 1, "{text}");
    }
}
