//! `cargo run --release -p swit-examples --bin generate-orders -- --count 2000 --seed 7 > swit-examples/data/orders.jsonl`
//!
//! Prints made-up orders, the same for the same seed, for `order-service` and `order-saga` to work on.

use std::{
    io::{self, BufWriter, Write as _},
    process::ExitCode,
};

use swit_orders::sample;

const HELP: &str = "\
Prints made-up orders, one a line, the same for the same seed.

Usage: generate-orders [--count LINES] [--seed NUMBER]

Options:
      --count LINES  lines that are not blank (default 2000)
      --seed NUMBER  what they depend on (default 7)
  -h, --help         print this
";

fn main() -> ExitCode {
    let (count, seed) = match arguments() {
        Ok(Some(asked)) => asked,
        Ok(None) => return ended(io::stdout().lock().write_all(HELP.as_bytes())),
        Err(error) => {
            let _ = writeln!(io::stderr(), "generate-orders: {error}\nTry `generate-orders --help`.");
            return ExitCode::from(2);
        }
    };
    let mut out = BufWriter::with_capacity(256 * 1024, io::stdout().lock());
    ended(sample::write(count, seed, &mut out).and_then(|()| out.flush()))
}

/// `None`: help is asked for.
fn arguments() -> Result<Option<(u64, u64)>, lexopt::Error> {
    use lexopt::prelude::*;

    let (mut count, mut seed) = (2_000, 7);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("count") => count = parser.value()?.parse()?,
            Long("seed") => seed = parser.value()?.parse()?,
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some((count, seed)))
}

/// A reader that has seen enough closes the pipe; that is no failure.
fn ended(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "generate-orders: {error}");
            ExitCode::FAILURE
        }
    }
}
