//! What a fault test holds: a folder of ledgers and the processes that write them.

use std::{
    cell::Cell,
    fmt::Write as _,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use swit_testbed::{
    folder::Folder,
    ledger::{Effects, Record},
};

use crate::{Conduct, Process};

/// How long everything may take that has to happen after a fault is healed.
pub const HEALING: Duration = Duration::from_secs(90);

/// How long work may take to resume after a fault is healed.
pub const RESUMPTION: Duration = Duration::from_secs(30);

/// The most that is waited for anything, in seconds: for tests of the tests, which wait for what will never be.
const PATIENCE: &str = "SWIT_FAULTS_PATIENCE";
/// The guarantee that producers and handlers are to break: see `swit_runtime::failpoint`.
const SABOTAGE: &str = "SWIT_SABOTAGE";

/// A test's processes and their ledgers.
#[derive(Debug)]
pub struct Rig {
    binary: PathBuf,
    folder: Folder,
    url: String,
    started: Cell<usize>,
}

impl Rig {
    /// Processes of this binary (`env!("CARGO_BIN_EXE_faulty")`) on the broker at this address.
    pub fn new(binary: &str, url: impl Into<String>) -> Self {
        let folder = Folder::temporary("faults");
        std::fs::create_dir(folder.path().join("ledgers")).expect("a folder can be made");
        Self { binary: binary.into(), folder, url: url.into(), started: Cell::new(0) }
    }

    /// Starts a process in a role, and waits for nothing.
    pub fn start(&self, role: &str, variables: &[(&str, &str)]) -> Process {
        let number = self.started.replace(self.started.get() + 1);
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("RUST_LOG", "info")
            .envs(std::env::vars_os().filter(|(name, _)| name == "SWIT_SABOTAGE"))
            .env("FAULTY_ROLE", role)
            .env("FAULTY_URL", &self.url)
            .env("FAULTY_LEDGER", self.folder.path().join("ledgers").join(format!("{role}-{number}")))
            .envs(variables.iter().copied());
        Process::start(&mut command, self.folder.path().join(format!("{role}-{number}.log")))
    }

    /// Starts a process that can be sabotaged; those that only look on can't.
    pub fn start_breakable(&self, role: &str, variables: &[(&str, &str)]) -> Process {
        let sabotage = std::env::var(SABOTAGE).ok();
        let sabotage: Vec<(&str, &str)> = sabotage.iter().map(|sabotage| (SABOTAGE, sabotage.as_str())).collect();
        self.start(role, &[&sabotage, variables].concat())
    }

    /// A handler of which it is not known whether it will ever have started.
    pub fn starting_handler(&self, variables: &[(&str, &str)]) -> Process {
        self.start_breakable("handle", variables)
    }

    /// A handler that has started to consume; `variables` come on top of its own.
    pub fn handler(&self, variables: &[(&str, &str)]) -> Process {
        let handler = self.starting_handler(variables);
        handler.wait_for_log("started", HEALING);
        handler
    }

    /// A handler that may die before it consumes; `variables` come on top of its own.
    pub fn restarted(&self, variables: &[(&str, &str)]) -> Process {
        self.start("handle", variables)
    }

    /// A process that writes dead letters down. The queue has to be there: start a handler first.
    pub fn gravedigger(&self) -> Process {
        self.start("bury", &[])
    }

    /// A producer of messages number `first` to `first + count`, whose handlers behave as said, in turn.
    pub fn producer(&self, first: u64, count: u64, conducts: &[Conduct], variables: &[(&str, &str)]) -> Process {
        let conducts = serde_json::to_string(conducts).expect("conducts are plain");
        let (first, count) = (first.to_string(), count.to_string());
        let own = [("FAULTY_FIRST", first.as_str()), ("FAULTY_COUNT", &count), ("FAULTY_CONDUCTS", &conducts)];
        self.start_breakable("produce", &[&own, variables].concat())
    }

    /// What all processes wrote down so far.
    pub fn record(&self) -> Record {
        let folder = self.folder.path().join("ledgers");
        if std::fs::read_dir(&folder).expect("the folder is there").next().is_none() {
            return Record::default();
        }
        Record::read_folder(folder)
    }

    /// Waits until the record is as asked for. The panic that says that it never was names what is outstanding.
    pub fn wait_until(&self, what: &str, patience: Duration, is_so: impl Fn(&Record) -> bool) -> Record {
        let (began, patience) = (Instant::now(), shortened(patience));
        loop {
            let record = self.record();
            if is_so(&record) {
                return record;
            }
            assert!(
                began.elapsed() < patience,
                "{what}: not within {patience:?}; {} attempted, {} confirmed, {} effects, {} dead, outstanding: {:?}\n{}",
                record.attempted.len(),
                record.confirmed.len(),
                record.effects.len(),
                record.dead.len(),
                record.outstanding().iter().take(10).collect::<Vec<_>>(),
                self.logs()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until all that was confirmed has come to its end, and checks that nothing was lost or invented.
    pub fn settle(&self, effects: Effects) -> Record {
        let record = self.wait_until("all is done", HEALING, |record| {
            !record.confirmed.is_empty() && record.outstanding().is_empty()
        });
        record.verify(effects).unwrap_or_else(|violations| panic!("{violations}\n{}", self.logs()));
        record
    }

    /// All that all processes logged.
    pub fn all_logs(&self) -> String {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder is there").flatten();
        let logs = entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "log"));
        logs.map(|log| String::from_utf8_lossy(&std::fs::read(log.path()).unwrap_or_default()).into_owned()).collect()
    }

    /// The ends of all processes' logs.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.folder.path()).expect("the folder is there").flatten() {
            if entry.path().extension().is_some_and(|ending| ending == "log") {
                let log = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default()).into_owned();
                let lines: Vec<&str> = log.lines().collect();
                let tail = lines[lines.len().saturating_sub(25)..].join("\n");
                let _ = write!(text, "== {}\n{tail}\n", entry.file_name().to_string_lossy());
            }
        }
        text
    }
}

/// A patience, cut down to what the environment allows.
pub fn shortened(patience: Duration) -> Duration {
    let most = std::env::var(PATIENCE).ok().and_then(|seconds| seconds.parse().ok());
    most.map_or(patience, |seconds| patience.min(Duration::from_secs(seconds)))
}
