//! A node's folder, ports and environment: all that makes it private.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicU64, Ordering},
};

use rand::{Rng as _, rngs::SmallRng};

use crate::{folder, ports};

/// Where Debian's package keeps its releases; each has `sbin`, `escript` and `plugins`.
const RELEASES: &str = "/usr/lib/rabbitmq/lib";

/// What a node is started with.
#[derive(Debug)]
pub(crate) struct Node {
    folder: PathBuf,
    name: String,
    cookie: String,
    pub(crate) port: u16,
    distribution_port: u16,
    epmd_port: u16,
}

impl Node {
    /// Makes the folder of a new node, all but its configuration.
    pub(crate) fn prepare() -> Self {
        let release = installed(Path::new(RELEASES));
        let folder = folder::temporary("broker");
        for name in ["home", "data", "log", "rabbit"] {
            fs::create_dir(folder.join(name)).expect("the folder is new");
        }
        link_release(&release, &folder.join("rabbit"));
        let cookie =
            format!("{:016X}{:016X}", rand::make_rng::<SmallRng>().next_u64(), rand::make_rng::<SmallRng>().next_u64());
        folder::write_private(&folder.join("home/.erlang.cookie"), &cookie);
        folder::write_private(&folder.join("enabled_plugins"), "[].\n");
        let port = ports::free();
        let name = format!("swit{port}@localhost");
        Self { folder, name, cookie, port, distribution_port: ports::free(), epmd_port: ports::free() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn server(&self) -> PathBuf {
        self.folder.join("rabbit/sbin/rabbitmq-server")
    }

    pub(crate) fn configure(&self, lines: &str) {
        folder::write_private(&self.folder.join("rabbitmq.conf"), lines);
    }

    /// A command with the node's environment, and nothing else of this process but where programs are found.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let inside = |name: &str| self.folder.join(name);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin:/sbin:/bin".into()))
            .env("LANG", "C.UTF-8")
            .env("HOME", inside("home"))
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_CRASH_DUMP_SECONDS", "0")
            .env("RABBITMQ_NODENAME", &self.name)
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("RABBITMQ_MNESIA_BASE", inside("data"))
            .env("RABBITMQ_LOG_BASE", inside("log"))
            .env("RABBITMQ_PID_FILE", inside("pid"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", inside("enabled_plugins"))
            .env("RABBITMQ_CONFIG_FILE", inside("rabbitmq.conf"))
            // Files that do not exist, so that the system's are not read.
            .env("RABBITMQ_CONFIG_FILES", inside("none"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", inside("none.config"))
            .env("RABBITMQ_CONF_ENV_FILE", inside("none"))
            // The script becomes the node, so that the process that the guardian started is the node's.
            .env("RUNNING_UNDER_SYSTEMD", "1")
            .env("RABBITMQ_SCHEDULER_BIND_TYPE", "u")
            .env("RABBITMQ_MAX_NUMBER_OF_PROCESSES", "100000")
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 2:2 +A 4 -kernel inet_dist_use_interface {127,0,0,1}");
        command
    }

    /// `erl_call`, which runs Erlang in the node within milliseconds; `rabbitmqctl` starts an Erlang of its own for it.
    pub(crate) fn erl_call(&self) -> Command {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // A name of its own: a node refuses one whose last connection it has not forgotten yet.
        let name = format!("call{}x{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let address = format!("127.0.0.1:{}", self.distribution_port);
        let mut command = self.command("erl_call");
        command.args(["-c", &self.cookie, "-h", &name, "-address", &address]);
        command.args(["-fetch_stdout", "-no_result_term", "-e"]);
        command
    }

    pub(crate) fn ctl(&self) -> Command {
        self.command(self.folder.join("rabbit/sbin/rabbitmqctl"))
    }

    /// The end of what the node has said and logged.
    pub(crate) fn last_words(&self) -> String {
        let files = [self.folder.join("output"), self.folder.join(format!("log/{}.log", self.name))];
        let mut words = String::new();
        for file in files {
            let text = fs::read(&file).unwrap_or_default();
            let text = String::from_utf8_lossy(&text[text.len().saturating_sub(4_000)..]);
            words = format!("{words}\n== {}\n{text}", file.file_name().unwrap_or_default().display());
        }
        words
    }
}

/// The newest release that is installed.
fn installed(releases: &Path) -> PathBuf {
    let releases = fs::read_dir(releases).into_iter().flatten().flatten().map(|entry| entry.path());
    releases.filter(|path| path.join("sbin/rabbitmq-server").exists()).max().unwrap_or_else(|| {
        panic!("RabbitMQ is not installed: install the Debian package `rabbitmq-server`, or run scripts/test")
    })
}

/// A release without its plugins: the node looks for each of its modules in every folder below `plugins`, and a third of
/// its start goes into that.
fn link_release(release: &Path, to: &Path) {
    fs::create_dir(to.join("plugins")).expect("the folder is new");
    for part in ["sbin", "escript"] {
        symlink(release.join(part), to.join(part)).expect("a link can be made");
    }
    for entry in fs::read_dir(release.join("plugins")).expect("a release has a folder `plugins`").flatten() {
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if !text.starts_with("rabbitmq_") || text.starts_with("rabbitmq_prelaunch") {
            symlink(entry.path(), to.join("plugins").join(&name)).expect("a link can be made");
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    #[should_panic(expected = "install the Debian package `rabbitmq-server`")]
    fn a_missing_server_is_named() {
        super::installed(std::path::Path::new("nowhere"));
    }
}
