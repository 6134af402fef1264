//! A node ends with its process, however that ends.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpStream,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use swit_testbed::Broker;

fn owner() -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_owner"));
    command.stdout(Stdio::piped()).process_group(0).spawn().unwrap()
}

fn kill(target: &str) {
    assert!(Command::new("kill").args(["-KILL", "--", target]).status().unwrap().success());
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The processes that were started with the node's environment; zombies have none.
fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.as_os_str().as_encoded_bytes();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.windows(folder.len()).any(|window| window == folder) {
            found.push(fs::read_to_string(entry.path().join("comm")).unwrap_or_default());
        }
    }
    found
}

#[test]
fn a_killed_process_leaves_nothing() {
    let mut owner = owner();
    let mut line = String::new();
    BufReader::new(owner.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let [folder, port, child] = words[..] else { panic!("{line}") };
    let (folder, port) = (PathBuf::from(folder), port.parse::<u16>().unwrap());
    let running = processes(&folder).concat();
    assert!(running.contains("beam.smp") && running.contains("epmd") && running.contains("sh\n"), "{running}");
    kill(&owner.id().to_string());
    owner.wait().unwrap();
    eventually("the processes end", || processes(&folder).is_empty());
    eventually("the folder goes", || !folder.exists());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    // It was alive all the time, and held nothing.
    kill(child);
}

#[test]
fn a_process_killed_while_its_node_starts_leaves_nothing() {
    let mut owner = owner();
    let prefix = format!("swit-broker-{}-", owner.id());
    let folders = || {
        let entries = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
        let mine = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
        mine.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    eventually("a node is starting", || {
        folders().first().is_some_and(|folder| processes(folder).concat().contains("beam.smp"))
    });
    let folder = folders().remove(0);
    // With its whole process group, as a Ctrl-C or a runner's timeout would.
    kill(&format!("-{}", owner.id()));
    owner.wait().unwrap();
    eventually("the processes end", || processes(&folder).is_empty());
    eventually("the folder goes", || !folder.exists());
}

#[test]
fn a_dropped_node_leaves_nothing_even_when_it_is_frozen() {
    let broker = Broker::start();
    let folder = broker.folder().to_owned();
    broker.freeze();
    drop(broker);
    assert!(!folder.exists());
    eventually("the processes end", || processes(&folder).is_empty());
}
