//! `dlq`: the service's dead letters, from outside of it.

use std::fmt::Write as _;

use super::{
    DlqCommand,
    ask::agreed,
    connected::{Connected, lives_in_the_service},
    execute::print,
    show,
};
use crate::{
    app::{
        App, Graph,
        dead_letters::{DeadLetters, Replayed, Selection, Summary},
        suggest::suggest,
    },
    error::{Error, Result},
    text::Text,
    transport::Transport,
};

/// How many messages of a queue are looked at for their reasons.
const LOOKED_AT: u64 = 1_000;

pub(super) async fn dlq(app: App, command: DlqCommand) -> Result<()> {
    let connected = Connected::open(&app).await?;
    let done = run(&connected, command).await;
    connected.close().await;
    done
}

async fn run(connected: &Connected, command: DlqCommand) -> Result<()> {
    match command {
        DlqCommand::List => list(connected).await,
        DlqCommand::Show { queue, selection, limit, json } => {
            show(&letters(connected, &queue).await?, &queue, &selection, limit, json).await
        }
        DlqCommand::Replay { queue, selection, dry_run } => {
            let letters = letters(connected, &queue).await?;
            let replayed = if dry_run {
                letters.rehearse(&queue, &selection).await?
            } else {
                letters.replay(&queue, &selection, |_| {}).await?
            };
            print(&replay_text(&queue, &replayed, dry_run))?;
            replayed.stopped.map_or(Ok(()), Err)
        }
        DlqCommand::Purge { queue, selection, dry_run, yes } => {
            purge(&letters(connected, &queue).await?, &queue, &selection, dry_run, yes).await
        }
    }
}

/// The dead-letter queues of the service on a transport, sorted.
fn queues(graph: &Graph, transport: &str) -> Vec<Text> {
    let nodes = graph.nodes.iter().filter(|node| &*node.resolved.transport == transport);
    let mut queues: Vec<Text> = nodes.filter_map(|node| node.dead_letter.clone()).collect();
    queues.sort();
    queues.dedup();
    queues
}

/// Why dead letters of such a transport can't be seen from here.
fn elsewhere(transport: &dyn Transport) -> String {
    format!(
        "the transport `{}` ({}) keeps its messages in the service's own process, and this is another one; look from inside: `Running::dead_letters`",
        transport.name(),
        transport.system()
    )
}

async fn list(connected: &Connected) -> Result<()> {
    let mut out = String::new();
    for transport in &connected.transports {
        let transport = &**transport;
        if lives_in_the_service(transport) {
            // Writing to a `String` can't fail.
            let _ = writeln!(out, "{}", elsewhere(transport));
            continue;
        }
        let Some(letters) = DeadLetters::of(transport, connected.clock.clone()) else { continue };
        for queue in queues(&connected.graph, transport.name()) {
            let there = letters.count(&queue).await?;
            let summary = match there {
                None => None,
                Some(_) => Some(letters.summary(&queue, LOOKED_AT).await?),
            };
            out += &summary_text(&queue, summary.as_ref());
        }
    }
    print(&out)
}

fn summary_text(queue: &str, summary: Option<&Summary>) -> String {
    let Some(summary) = summary else { return format!("{queue}: does not exist yet\n") };
    let reasons: Vec<String> =
        summary.reasons.iter().map(|(reason, n)| format!("{} {n}", reason.escape_debug())).collect();
    let part =
        if summary.looked_at < summary.count { format!("of the first {}: ", summary.looked_at) } else { String::new() };
    match summary.count {
        0 => format!("{queue}: empty\n"),
        1 => format!("{queue}: 1 message: {}\n", reasons.join(", ")),
        count => format!("{queue}: {count} messages: {part}{}\n", reasons.join(", ")),
    }
}

/// The dead letters of the transport that a dead-letter queue of this service is on: of one that it uses, or of one that is
/// named like them and was left behind. Any other queue is refused: what lies there is not dead.
async fn letters<'a>(connected: &'a Connected, queue: &str) -> Result<DeadLetters<'a>> {
    let graph = &connected.graph;
    let service = &graph.service.name;
    let own = queue.strip_prefix(service.as_str()).and_then(|rest| rest.strip_prefix('.'));
    let is_left = own.and_then(|own| own.strip_suffix(".dlq")).is_some();
    let mut known = Vec::new();
    for transport in &connected.transports {
        let transport = &**transport;
        let queues = queues(graph, transport.name());
        let is_used = queues.iter().any(|known| *known == *queue);
        if is_used && lives_in_the_service(transport) {
            return Err(Error::Usage(elsewhere(transport)));
        }
        known.extend(queues);
        let Some(letters) = DeadLetters::of(transport, connected.clock.clone()) else { continue };
        if is_used || (is_left && !lives_in_the_service(transport) && letters.count(queue).await?.is_some()) {
            return Ok(letters);
        }
    }
    let help = suggest(queue, known.iter().map(Text::as_str), "dead-letter queues: ");
    Err(Error::Usage(format!("`{}` is no dead-letter queue of `{service}`; {help}", queue.escape_debug())))
}

async fn show(letters: &DeadLetters<'_>, queue: &str, selection: &Selection, limit: u64, json: bool) -> Result<()> {
    let mut printed = Ok(());
    let found = letters
        .read(queue, selection, limit, |letter| {
            if printed.is_ok() {
                printed = print(&if json { show::json(&letter) } else { show::text(&letter) });
            }
        })
        .await?;
    printed?;
    if found == 0 && !json { print(&format!("{queue}: nothing found\n")) } else { Ok(()) }
}

fn replay_text(queue: &str, replayed: &Replayed, dry_run: bool) -> String {
    let (verb, kept) = if dry_run { ("would replay", "would be kept") } else { ("replayed", "kept") };
    let mut out = String::new();
    for (target, count) in &replayed.replayed {
        let _ = writeln!(out, "{verb} {count} to {target}");
    }
    if replayed.kept > 0 {
        let _ = writeln!(out, "{} {kept} in {queue}:", replayed.kept);
    }
    for letter in &replayed.named {
        let _ = writeln!(out, "  {}: {}", letter.id.to_string().escape_debug(), letter.why.escape_debug());
    }
    if replayed.count() + replayed.kept == 0 {
        let _ = writeln!(out, "none of {} messages in {queue} is meant", replayed.looked_at);
    }
    out
}

async fn purge(letters: &DeadLetters<'_>, queue: &str, selection: &Selection, dry_run: bool, yes: bool) -> Result<()> {
    // What comes in while somebody thinks was not in the question.
    let mut most = u64::MAX;
    if !dry_run {
        let count = letters.count(queue).await?.unwrap_or_default();
        most = count;
        let question = if *selection == Selection::all() {
            format!("Delete all {count} messages in {queue} for good?")
        } else {
            format!("Delete the selected of {count} messages in {queue} for good?")
        };
        if !agreed(yes, "dlq purge", &question).await? {
            return print("nothing was deleted\n");
        }
    }
    let purged = letters.purge(queue, selection, most, dry_run).await?;
    let verb = if dry_run { "would delete" } else { "deleted" };
    print(&format!("{verb} {} of {} messages in {queue}\n", purged.deleted, purged.looked_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::dead_letters::Kept, id::MessageId};

    #[test]
    fn a_summary_says_how_much_was_looked_at() {
        let mut summary = Summary { count: 0, looked_at: 0, reasons: [].into() };
        assert_eq!(summary_text("q", None), "q: does not exist yet\n");
        assert_eq!(summary_text("q", Some(&summary)), "q: empty\n");
        summary.count = 3;
        summary.looked_at = 3;
        summary.reasons = [("permanent".into(), 2), ("rejected".into(), 1)].into();
        assert_eq!(summary_text("q", Some(&summary)), "q: 3 messages: permanent 2, rejected 1\n");
        summary.count = 1_000_000;
        assert_eq!(summary_text("q", Some(&summary)), "q: 1000000 messages: of the first 3: permanent 2, rejected 1\n");
    }

    #[test]
    fn a_replay_says_what_became_of_all() {
        let mut replayed = Replayed { looked_at: 6, ..Replayed::default() };
        assert_eq!(replay_text("q.dlq", &replayed, false), "none of 6 messages in q.dlq is meant\n");
        replayed.replayed = [("q".into(), 3)].into();
        assert_eq!(replay_text("q.dlq", &replayed, true), "would replay 3 to q\n");
        replayed.kept = 1;
        replayed.named = vec![Kept { id: MessageId::parse("x").unwrap(), why: "why".into() }];
        assert_eq!(replay_text("q.dlq", &replayed, false), "replayed 3 to q\n1 kept in q.dlq:\n  x: why\n");
    }
}
