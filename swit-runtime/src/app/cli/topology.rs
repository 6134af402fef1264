//! `topology`: what the service needs on its brokers, compared, made, and cleared of what was left behind.

use std::fmt::Write as _;

use super::{
    TopologyCommand,
    ask::agreed,
    connected::{Connected, lives_in_the_service},
    execute::print,
};
use crate::{
    app::{App, start},
    error::{Error, Result, TransportError},
    transport::{Comparison, Deleted, LeftQueue, Provision, Queue, Transport},
};

pub(super) async fn topology(app: App, command: TopologyCommand) -> Result<()> {
    let connected = Connected::open(&app).await?;
    let done = run(&connected, &command).await;
    connected.close().await;
    done
}

async fn run(connected: &Connected, command: &TopologyCommand) -> Result<()> {
    let known = start::known(&connected.graph);
    let mut pruned = Vec::new();
    for transport in &connected.transports {
        let transport = &**transport;
        let Some(provision) = transport.provision() else {
            print(&nothing_to_provision(transport))?;
            continue;
        };
        let queues = start::queues(&connected.graph, transport.name());
        let service = &connected.graph.service.name;
        let comparison = provision.compare(service, &queues, &known).await?;
        match command {
            TopologyCommand::Plan => print(&plan(transport, &comparison))?,
            TopologyCommand::Apply => apply(transport, provision, &queues, &comparison).await?,
            TopologyCommand::Prune { .. } => pruned.push((transport, provision, comparison)),
        }
    }
    if let TopologyCommand::Prune { yes, with_messages } = command {
        prune(&pruned, *yes, with_messages).await?;
    }
    Ok(())
}

fn nothing_to_provision(transport: &dyn Transport) -> String {
    let why = if lives_in_the_service(transport) {
        "its queues live and die with the service's own process; there is nothing to prepare"
    } else {
        "it can't compare what is there"
    };
    format!("{}: {why}\n", title(transport))
}

fn title(transport: &dyn Transport) -> String {
    format!("transport {} ({})", transport.name(), transport.system())
}

/// A list under a heading; nothing where it is empty.
fn list(out: &mut String, heading: &str, lines: impl IntoIterator<Item = String>) {
    let mut lines = lines.into_iter().peekable();
    if lines.peek().is_some() {
        // Writing to a `String` can't fail.
        let _ = writeln!(out, "  {heading}:");
    }
    for line in lines {
        let _ = writeln!(out, "    {line}");
    }
}

/// What `plan` prints of a transport.
fn plan(transport: &dyn Transport, found: &Comparison) -> String {
    let mut out = format!("{}:\n", title(transport));
    list(&mut out, "would be made", found.missing.iter().map(ToString::to_string));
    list(
        &mut out,
        "differs, and can't be changed",
        found.differing.iter().map(|it| format!("{}: {}", it.thing, it.what)),
    );
    list(
        &mut out,
        "left behind by earlier deployments",
        found.stale.iter().map(|it| format!("binding {it}")).chain(found.left.iter().map(left)),
    );
    list(&mut out, "not checked", found.unchecked.iter().cloned());
    let _ = writeln!(out, "  {} as wanted", count(found.present, "thing is", "things are"));
    if found.missing.is_empty() && found.differing.is_empty() && found.stale.is_empty() && found.left.is_empty() {
        let all = if found.unchecked.is_empty() { "" } else { ", as far as was checked" };
        let _ = writeln!(out, "  nothing to do{all}");
    }
    out
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A queue that was left behind, in words.
fn left(queue: &LeftQueue) -> String {
    let mut words = vec![match queue.messages {
        0 => "empty".to_owned(),
        1 => "holds 1 message".to_owned(),
        many => format!("holds {many} messages"),
    }];
    if queue.consumers > 0 {
        words.push("consumed by somebody".to_owned());
    }
    if !queue.bindings.is_empty() {
        words.push(format!(
            "still receives {}",
            queue.bindings.iter().map(|it| &*it.key).collect::<Vec<_>>().join(", ")
        ));
    }
    if queue.is_doubtful {
        words.push("perhaps another service's".to_owned());
    }
    format!("queue {}: {}", queue.name, words.join(", "))
}

async fn apply(
    transport: &dyn Transport,
    provision: &dyn Provision,
    queues: &[Queue],
    found: &Comparison,
) -> Result<()> {
    if !found.differing.is_empty() {
        let differing: Vec<String> = found.differing.iter().map(|it| format!("{}: {}", it.thing, it.what)).collect();
        let reason = format!("{}; delete or rename what is there, or configure what there is", differing.join("; "));
        return Err(TransportError::new(transport.name().to_owned(), "topology apply", reason).into());
    }
    provision.make(queues).await?;
    let mut out = format!("{}:\n", title(transport));
    list(&mut out, "made", found.missing.iter().map(ToString::to_string));
    if found.missing.is_empty() {
        let _ = writeln!(out, "  nothing was missing");
    }
    print(&out)
}

/// Whether a queue that was left behind is to be deleted: empty ones that nobody uses and that are this service's for
/// sure, and those that somebody names.
fn is_pruned(queue: &LeftQueue, with_messages: &[String]) -> bool {
    with_messages.iter().any(|named| **named == *queue.name)
        || (queue.messages == 0 && queue.consumers == 0 && !queue.is_doubtful)
}

async fn prune(
    found: &[(&dyn Transport, &dyn Provision, Comparison)],
    yes: bool,
    with_messages: &[String],
) -> Result<()> {
    for named in with_messages {
        if !found.iter().any(|(.., found)| found.left.iter().any(|queue| **named == *queue.name)) {
            let named = named.escape_debug();
            return Err(Error::Usage(format!(
                "no queue `{named}` was left behind; `topology plan` names those that were"
            )));
        }
    }
    let (mut out, mut removals) = (String::new(), 0);
    for (transport, _, found) in found {
        let _ = writeln!(out, "{}:", title(*transport));
        let (pruned, kept): (Vec<_>, Vec<_>) = found.left.iter().partition(|queue| is_pruned(queue, with_messages));
        removals += found.stale.len() + pruned.len();
        list(
            &mut out,
            "to be removed",
            found.stale.iter().map(|it| format!("binding {it}")).chain(pruned.into_iter().map(left)),
        );
        list(&mut out, "kept, unless named by `--with-messages`", kept.into_iter().map(left));
        list(&mut out, "not checked", found.unchecked.iter().cloned());
    }
    if removals == 0 {
        out.push_str("nothing to remove\n");
        return print(&out);
    }
    print(&out)?;
    if !agreed(yes, "topology prune", "Remove them?").await? {
        return print("nothing was removed\n");
    }
    for (_, provision, found) in found {
        for binding in &found.stale {
            provision.unbind(binding).await?;
            print(&format!("removed binding {binding}\n"))?;
        }
        for queue in found.left.iter().filter(|queue| is_pruned(queue, with_messages)) {
            let is_named = with_messages.iter().any(|named| **named == *queue.name);
            let deleted = provision.delete(queue, is_named).await?;
            print(&format!("{}\n", outcome(queue, deleted)))?;
        }
    }
    Ok(())
}

fn outcome(queue: &LeftQueue, deleted: Deleted) -> String {
    let name = &queue.name;
    match deleted {
        Deleted::Gone(0) => format!("removed queue {name}"),
        Deleted::Gone(messages) => format!("removed queue {name} with {messages} messages"),
        Deleted::HoldsMessages(messages) => format!("kept queue {name}: {messages} messages came in meanwhile"),
        Deleted::IsConsumed => format!("kept queue {name}: somebody consumes it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        transport::{Binding, Difference, Thing},
        transports::memory::{MemoryOptions, MemoryTransport},
    };

    fn queue(name: &str, messages: u64, consumers: u64, is_doubtful: bool) -> LeftQueue {
        LeftQueue { messages, consumers, is_doubtful, ..LeftQueue::new(name.to_owned()) }
    }

    #[test]
    fn a_plan_is_for_people() {
        let transport = MemoryTransport::new("default", MemoryOptions::default());
        let mut found = Comparison { present: 3, ..Comparison::default() };
        assert_eq!(
            plan(&transport, &found),
            "transport default (memory):\n  3 things are as wanted\n  nothing to do\n"
        );
        found.missing = vec![Thing::Queue("orders.confirm".into())];
        found.differing = vec![Difference::new(Thing::Queue("orders.ship".into()), "'x-queue-type': wanted 'quorum'")];
        found.stale = vec![Binding::new("orders.confirm", "swit.events", "order.old")];
        found.left = vec![queue("orders.old", 2, 1, false), queue("orders.eu.old", 0, 0, true)];
        found.left[0].bindings = vec![Binding::new("orders.old", "swit.events", "order.*")];
        found.unchecked = vec!["something: why".to_owned()];
        assert_eq!(
            plan(&transport, &found),
            "transport default (memory):
  would be made:
    queue orders.confirm
  differs, and can't be changed:
    queue orders.ship: 'x-queue-type': wanted 'quorum'
  left behind by earlier deployments:
    binding orders.confirm <- swit.events (order.old)
    queue orders.old: holds 2 messages, consumed by somebody, still receives order.*
    queue orders.eu.old: empty, perhaps another service's
  not checked:
    something: why
  3 things are as wanted
"
        );
    }

    #[test]
    fn what_holds_messages_is_in_use_or_in_doubt_is_removed_only_if_it_is_named() {
        let named = ["a".to_owned()];
        for (queue, expected) in [
            (queue("b", 0, 0, false), true),
            (queue("b", 1, 0, false), false),
            (queue("b", 0, 1, false), false),
            (queue("b", 0, 0, true), false),
            (queue("a", 1, 0, true), true),
        ] {
            assert_eq!(is_pruned(&queue, &named), expected, "{queue:?}");
        }
    }
}
