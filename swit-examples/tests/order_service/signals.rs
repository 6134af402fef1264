//! Stopping in the middle, and serving until stopped.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use swit_orders::sample;

use crate::binary::{TempFile, assert_balanced, number, order_service, summary};

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.expect("`kill` of any POSIX system").success());
}

/// Waits until the first dead letters are written.
fn until_it_works(letters: &TempFile) {
    let began = Instant::now();
    while std::fs::metadata(letters.path()).map_or(0, |file| file.len()) == 0 {
        assert!(began.elapsed() < Duration::from_mins(1), "no dead letter for a minute");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_signal_in_the_middle_drains_and_balances() {
    const LINES: u64 = 400_000;
    let file = TempFile::new();
    let mut out = std::io::BufWriter::new(std::fs::File::create(file.path()).unwrap());
    sample::write(LINES, 11, &mut out).unwrap();
    out.flush().unwrap();
    for name in ["TERM", "INT"] {
        let letters = TempFile::new();
        let child = order_service().arg(&file).arg("--json").arg("--dead-letters").arg(&letters).spawn().unwrap();
        until_it_works(&letters);
        signal(&child, name);
        let began = Instant::now();
        let output = child.wait_with_output().unwrap();
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        assert!(output.status.success(), "{output:?}");
        let summary = summary(&output);
        assert_balanced(&summary);
        let read = number(&summary, "read");
        assert!(read > 0 && read < LINES, "{read} of {LINES} lines were read");
        assert_eq!(summary["stopped"], true);
    }
}

#[test]
fn without_a_file_it_serves_until_stopped() {
    let mut child = order_service().arg("--json").stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = Vec::new();
    sample::write(50, 5, &mut lines).unwrap();
    stdin.write_all(&lines).unwrap();
    drop(stdin);
    let mut said = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut said).unwrap();
    assert!(said.contains("serving until stopped"), "{said}");
    assert!(child.try_wait().unwrap().is_none(), "the end of the input is not the end of the service");
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let summary = summary(&output);
    assert_balanced(&summary);
    assert_eq!(number(&summary, "read"), 50);
}

/// A line that comes alone is worked on at once, not when a batch is full.
#[test]
fn a_slow_pipe_is_read_line_by_line() {
    let mut child = order_service().arg("--json").env("RUST_LOG", "warn").stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    for line in ["{}\n", "[]\n"] {
        stdin.write_all(line.as_bytes()).unwrap();
        stdin.flush().unwrap();
        assert!(log.any(|line| line.unwrap().contains("dead-lettered")));
    }
    // The pipe is still open: the reading thread waits in it, and must not keep the process.
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(summary(&output)["dead_lettered"]["invalid_input"], 2);
}
