//! The small process that outlives the test, and ends the node when the test is gone.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use super::node::Node;

/// The owner of a node's processes.
///
/// Rust's statics are never dropped and tests get killed, so that no destructor can be relied on. The guardian reads
/// a pipe whose other end this process alone holds (it is closed on exec, so no other child inherits it): the system
/// closes it when this process ends in whatever way, and then the guardian kills the node and removes its folder.
#[derive(Debug)]
pub(crate) struct Guardian {
    child: Child,
    /// Empty once it is dropped.
    pipes: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
}

impl Guardian {
    pub(crate) fn start(node: &Node) -> Self {
        let mut child = node
            .command("sh")
            .args(["-c", include_str!("guardian.sh"), "guardian"])
            .arg(node.folder())
            .arg(node.server())
            .args(std::env::var_os("SWIT_TESTBED_KEEP").map(|_| "keep"))
            // What ends the test's process group (a Ctrl-C) must not end its guardian.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("`sh` can be started");
        let stdin = child.stdin.take().expect("a piped input");
        let stdout = BufReader::new(child.stdout.take().expect("a piped output"));
        Self { child, pipes: Mutex::new(Some((stdin, stdout))) }
    }

    /// Starts the node, and answers its process id.
    pub(crate) fn launch(&self) -> u32 {
        self.tell("start").parse().expect("the guardian answers the node's process id")
    }

    /// Kills the node's process group and waits for its end.
    pub(crate) fn kill(&self) {
        self.tell("kill");
    }

    pub(crate) fn freeze(&self) {
        self.tell("freeze");
    }

    pub(crate) fn thaw(&self) {
        self.tell("thaw");
    }

    fn tell(&self, command: &str) -> String {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (stdin, stdout) = pipes.as_mut().expect("the guardian is not dropped");
        let mut answer = String::new();
        writeln!(stdin, "{command}")
            .and_then(|()| stdout.read_line(&mut answer))
            .unwrap_or_else(|error| panic!("the node's guardian is gone: {error}"));
        assert!(answer.ends_with('\n'), "the node's guardian ended at `{command}`");
        answer.trim_end().to_owned()
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        *self.pipes.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // It ends by itself; waiting leaves no zombie, and the folder is gone when the test goes on.
        let _ = self.child.wait();
    }
}

/// Whether a process runs: a killed one that nobody waited for yet does not.
pub(crate) fn runs(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X'])))
}

/// A command of the system, ended if it takes longer than `seconds`.
pub(crate) fn limited(seconds: u32, command: &Command) -> Command {
    let mut limited = Command::new("timeout");
    limited.arg(seconds.to_string()).arg(command.get_program()).args(command.get_args());
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited
}
