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
