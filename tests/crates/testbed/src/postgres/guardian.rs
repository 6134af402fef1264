//! The small process that outlives the test, and ends the server when the test is gone.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

#[derive(Debug)]
pub(super) struct Guardian {
    child: Child,
    /// Empty once it is dropped.
    pipes: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
    folder: PathBuf,
}

impl Guardian {
    /// Makes the cluster and starts the server.
    pub(super) fn start(bin: &Path, folder: &Path, port: u16, settings: &[&str]) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", include_str!("guardian.sh"), "guardian"])
            .arg(folder)
            .arg(bin)
            .arg(port.to_string())
            .args(settings)
            // What ends the test's process group (a Ctrl-C) must not end its guardian.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("`sh` can be started");
        let stdin = child.stdin.take().expect("a piped input");
        let stdout = BufReader::new(child.stdout.take().expect("a piped output"));
        let guardian = Self { child, pipes: Mutex::new(Some((stdin, stdout))), folder: folder.into() };
        let answer = guardian.tell("start");
        assert!(answer == "started", "PostgreSQL does not start:\n{}", guardian.last_words());
        guardian
    }

    pub(super) fn tell(&self, command: &str) -> String {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (stdin, stdout) = pipes.as_mut().expect("the guardian is not dropped");
        let mut answer = String::new();
        writeln!(stdin, "{command}")
            .and_then(|()| stdout.read_line(&mut answer))
            .unwrap_or_else(|error| panic!("the server's guardian is gone: {error}"));
        assert!(answer.ends_with('\n'), "the server's guardian ended at `{command}`");
        answer.trim_end().to_owned()
    }

    /// The end of what the server has said.
    pub(super) fn last_words(&self) -> String {
        let text = std::fs::read(self.folder.join("output")).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(4_000)..]).into_owned()
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        *self.pipes.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // It ends by itself; waiting leaves no zombie, and the folder is gone when the test goes on.
        let _ = self.child.wait();
    }
}
