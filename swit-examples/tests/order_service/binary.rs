//! Runs the binary.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

/// The binary, with nothing of this process's environment that could configure it, away from any `swit.toml`.
pub(crate) fn order_service() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_order-service"));
    command.current_dir(std::env::temp_dir()).env_remove("RUST_LOG").env_remove("SWIT_TRANSPORT");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A file in the temporary directory that is removed again.
#[derive(Debug)]
pub(crate) struct TempFile(PathBuf);

impl TempFile {
    /// A name that nobody has yet.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("swit-orders-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    /// A file that holds this.
    pub(crate) fn with(bytes: impl AsRef<[u8]>) -> Self {
        let file = Self::new();
        std::fs::File::create(&file.0).unwrap().write_all(bytes.as_ref()).unwrap();
        file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl AsRef<OsStr> for TempFile {
    fn as_ref(&self) -> &OsStr {
        self.0.as_os_str()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What a run said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) summary: Value,
    /// Its dead letters.
    pub(crate) letters: Vec<Value>,
    pub(crate) output: Output,
}

/// Runs a file to its end; it must balance.
pub(crate) fn run(input: &Path) -> Ran {
    Running::start(order_service().arg(input)).end()
}

/// A process that runs, and its dead letters.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    letters: TempFile,
}

impl Running {
    /// Starts it, with what it is to say as JSON.
    pub(crate) fn start(command: &mut Command) -> Self {
        let letters = TempFile::new();
        let child = command.arg("--json").arg("--dead-letters").arg(&letters).spawn().unwrap();
        Self { child, letters }
    }

    /// Asks it to stop.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("`kill` of any POSIX system").success());
    }

    /// Waits for its end; it must balance.
    pub(crate) fn end(self) -> Ran {
        self.ended().check()
    }

    /// Waits for its end.
    pub(crate) fn ended(self) -> Ended {
        Ended { output: self.child.wait_with_output().unwrap(), letters: self.letters }
    }
}

/// A process that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    output: Output,
    letters: TempFile,
}

impl Ended {
    /// Whether it says so itself.
    #[cfg(unix)]
    pub(crate) fn balanced(&self) -> bool {
        self.output.status.success()
    }

    /// It must balance.
    pub(crate) fn check(self) -> Ran {
        let Self { output, letters } = self;
        assert!(output.status.success(), "{output:?}");
        let text = std::fs::read_to_string(letters.path()).unwrap();
        let ran = Ran {
            summary: summary(&output),
            letters: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            output,
        };
        assert_balanced(&ran.summary);
        ran
    }
}

impl Ran {
    /// Its dead letters by line, and why.
    pub(crate) fn dead_lines(&self) -> BTreeMap<u64, &str> {
        let letters = self.letters.iter().map(|letter| {
            let reason = letter["headers"]["x-dead-letter-reason"].as_str();
            (letter["line"].as_u64().unwrap(), reason.unwrap())
        });
        let found: BTreeMap<u64, &str> = letters.collect();
        assert_eq!(found.len(), self.letters.len(), "no line has two dead letters");
        found
    }
}

/// The one object on standard output.
pub(crate) fn summary(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

pub(crate) fn number(summary: &Value, key: &str) -> u64 {
    summary[key].as_u64().unwrap_or_else(|| panic!("no `{key}` in {summary}"))
}

/// read = completed + rejected + all dead letters + duplicates.
pub(crate) fn assert_balanced(summary: &Value) {
    let dead: u64 = summary["dead_lettered"].as_object().unwrap().values().map(|number| number.as_u64().unwrap()).sum();
    let accounted = number(summary, "completed") + number(summary, "rejected") + dead + number(summary, "duplicates");
    assert_eq!(number(summary, "read"), accounted, "{summary}");
    assert_eq!(summary["balanced"], true, "{summary}");
}
