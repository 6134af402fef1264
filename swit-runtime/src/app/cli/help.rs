//! The text of `--help`.

/// The help of a service's binary, called `program`.
pub fn help(program: &str) -> String {
    format!(
        "\
Usage: {program} [--config FILE] [COMMAND]

Commands:
  run                      run the service until it is told to stop (the default)
  check                    check subscribers, providers and configuration; connect to nothing
  graph                    print topics, subscribers, middleware and dead letters
    --format FORMAT          mermaid (the default) or dot
  publish TOPIC [PAYLOAD]  publish one message; without PAYLOAD, or with -, read standard input
    --file FILE              take the payload from a file
    --key KEY                the message's key
    --id ID                  the message's id; a new one unless given
    --header NAME=VALUE      a header; may be repeated
    --content-type TYPE      the payload's media type
  tail TOPIC               print messages of a topic or pattern (`order.*`, `#`) as they come
    --count N                stop after N messages
  topology plan            compare what the service needs with its broker; change nothing
  topology apply           make what is missing
  topology prune           remove bindings and empty queues that earlier deployments left behind
    --yes                    without asking
    --with-messages QUEUE    this queue too, with the messages that it holds; may be repeated
  dlq list                 the service's dead-letter queues: how many messages, and why
  dlq show QUEUE           print dead letters; nothing is taken
    --id ID                  this one; may be repeated
    --limit N                at most N (20 unless given)
    --json                   a JSON object a line
  dlq replay QUEUE         put dead letters back into the queue that they died in
  dlq purge QUEUE          delete dead letters; asks, unless --yes is given
    --id ID                  those with this id; may be repeated
    --reason REASON          those given up for this reason; may be repeated
    --older-than TIME        those given up longer ago, such as 30m or 7d
    --all                    all of them
    --dry-run                say what would be done, do nothing
  migrate                  make the tables that are missing in the service's database
  outbox list              what waits to be published, and what is parked and why
  outbox replay            have parked publications made again
    --row NUMBER             this one; may be repeated
    --all                    all of them
  transactions list        transactions over several participants that are not over
  transactions resolve     go on with them now, with the coordinators of this service
  saga list                instances of sagas, by saga and key, those that are over among them
    --saga NAME              of this saga
    --state STATE            in this state: pending, running, step_completed, completed,
                             compensating, compensated, failed, cancelled or timed_out
    --parked                 those that nobody goes on with until somebody looked
    --limit N                at most N (20 unless given)
    --json                   a JSON object a line
  saga show NAME KEY       all of one instance: what it was started with, what was done and undone
    --json                   as a JSON object
  saga resume NAME KEY     a parked one is gone on with
  saga cancel NAME KEY     what was done is undone, and it ends as cancelled
  saga compensate NAME KEY what was done is undone, and it ends as compensated
  relay                    publish what lies in the outbox, and do nothing else

Options:
  --config FILE            read this configuration instead of swit.toml
  -h, --help               print this help
  -V, --version            print the service's version

A payload or value that starts with a dash goes after `--`, or as `--key=-1`.
The configuration may also come from the environment: SWIT_TRANSPORT=memory://,
SWIT_SUBSCRIBER__CONFIRM_ORDER__RETRIES=5. A later layer wins: attribute, file, environment.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_fits_a_terminal_and_names_everything() {
        let text = help("order-service");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        for word in
            crate::app::cli::parse::tests::WORDS.iter().chain(&["order-service", "TOPIC", "PAYLOAD", "mermaid", "dot"])
        {
            assert!(text.contains(word), "{word}");
        }
    }
}
