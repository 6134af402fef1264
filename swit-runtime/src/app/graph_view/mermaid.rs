//! The graph as a Mermaid flowchart.

use std::fmt::Write as _;

use super::graph::{Flow, Graph, Kind, Node};

pub(super) fn write(graph: &Graph<'_>) -> String {
    let mut text = String::from("flowchart LR\n");
    // Writing to a `String` can't fail.
    let _ = writeln!(text, "  subgraph service[\"{}\"]", escape(graph.service));
    for node in &graph.subscribers {
        let _ = writeln!(text, "    {}", shape(node));
    }
    text += "  end\n";
    for node in &graph.places {
        let _ = writeln!(text, "  {}", shape(node));
    }
    for edge in &graph.edges {
        let arrow = match edge.kind {
            Flow::Consumes => "-->",
            Flow::Publishes => "-->|publishes|",
            Flow::Takes => "---",
            Flow::Matches => "-.->",
            Flow::DeadLetters => "-.->|gives up|",
        };
        let _ = writeln!(text, "  {} {arrow} {}", edge.from, edge.to);
    }
    text += "  classDef pattern stroke-dasharray: 4 2\n";
    text += "  classDef deadLetter stroke: #c00\n";
    text += "  classDef disabled opacity: 0.5, stroke-dasharray: 4 2\n";
    text
}

fn shape(node: &Node) -> String {
    let label = node.lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("<br/>");
    let id = &node.id;
    match node.kind {
        Kind::Topic => format!("{id}([\"{label}\"])"),
        Kind::Pattern => format!("{id}([\"{label}\"]):::pattern"),
        Kind::Queue => format!("{id}[(\"{label}\")]"),
        Kind::DeadLetter => format!("{id}[(\"{label}\")]:::deadLetter"),
        Kind::Subscriber => format!("{id}[\"{label}\"]"),
        Kind::Publisher => format!("{id}[/\"{label}\"/]"),
        Kind::Saga => format!("{id}[[\"{label}\"]]"),
        Kind::DisabledSaga => format!("{id}[[\"{label}\"]]:::disabled"),
        Kind::Disabled => format!("{id}[\"{label}\"]:::disabled"),
    }
}

/// Text inside a quoted label. Mermaid's entities (`#quot;`, `#37;`) stand for whatever means something to it: quotes,
/// HTML, its own entities, Markdown and `%%{…}%%`, which it looks for even inside labels.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' | '#' | '&' | '<' | '>' | '`' | '%' | '{' | '}' | '\\' | '|' | ';' | '*' | '_' | '[' | ']' => {
                let _ = write!(escaped, "#{};", u32::from(char));
            }
            char if hidden(char) => escaped.push(char::REPLACEMENT_CHARACTER),
            char => escaped.push(char),
        }
    }
    escaped
}

/// Characters that nobody sees but that move or break the text around them: controls, and Unicode's direction marks.
pub(super) fn hidden(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::super::view::tests::{hostile, orders};

    #[test]
    fn one_of_everything() {
        assert_eq!(
            orders().mermaid(),
            r#"flowchart LR
  subgraph service["orders"]
    s_audit["audit<br/>group orders<br/>disabled<br/>src/main.rs:10"]:::disabled
    s_bury["bury<br/>group orders<br/>src/main.rs:10"]
    s_confirm_2d_order["confirm-order<br/>group orders<br/>middleware authenticate, measure<br/>src/main.rs:10"]
    p_receipt[/"receipt<br/>async<br/>src/main.rs:20"/]
    g_place_2d_order[["place-order<br/>saga, version 2<br/>1 reserve, undone by release<br/>2 ship<br/>src/main.rs:30"]]
  end
  t_nobody_2e_listens(["nobody.listens<br/>Unheard"])
  t_order_2e__2a_(["order.#42;"]):::pattern
  t_order_2e_confirmed(["order.confirmed<br/>OrderConfirmed"])
  t_payment_2e_completed(["payment.completed<br/>PaymentCompleted"])
  t_receipt_2e_issued(["receipt.issued"])
  q_orders_2e_confirm_2d_order_2e_dlq[("orders.confirm-order.dlq")]:::deadLetter
  p_receipt -->|publishes| t_receipt_2e_issued
  q_orders_2e_confirm_2d_order_2e_dlq --> s_bury
  s_confirm_2d_order --- g_place_2d_order
  s_confirm_2d_order --- p_receipt
  s_confirm_2d_order -.->|gives up| q_orders_2e_confirm_2d_order_2e_dlq
  s_confirm_2d_order -->|publishes| t_order_2e_confirmed
  t_order_2e__2a_ --> s_audit
  t_order_2e_confirmed -.-> t_order_2e__2a_
  t_payment_2e_completed --> s_confirm_2d_order
  classDef pattern stroke-dasharray: 4 2
  classDef deadLetter stroke: #c00
  classDef disabled opacity: 0.5, stroke-dasharray: 4 2
"#
        );
    }

    #[test]
    fn no_name_leaves_its_quotes() {
        let text = hostile().mermaid();
        assert!(!text.contains("%%") && !text.contains("<b>") && !text.contains('`') && !text.contains('\u{202e}'));
        assert!(text.contains("é漢"));
        for line in text.lines().filter(|line| line.contains('"')) {
            assert_eq!(line.matches('"').count(), 2, "{line}");
        }
        // A subgraph, its end, one subscriber, one publisher, one saga, two topics, one queue, seven edges, three classes.
        assert_eq!(text.lines().count(), 1 + 2 + 1 + 1 + 1 + 2 + 1 + 7 + 3, "{text}");
        assert_eq!(text.lines().filter(|line| line.trim() == "end").count(), 1);
    }
}
