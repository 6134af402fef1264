//! A private PostgreSQL server: its own cluster in a temporary folder, on a free port of the loopback, gone when the test is.

mod guardian;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use self::guardian::Guardian;
use crate::{folder, ports};

/// Where Debian's package keeps its versions; each has `bin`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// A private PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    guardian: Guardian,
    port: u16,
}

impl Postgres {
    /// Makes a cluster and starts it, with room for prepared transactions. What it has confirmed survives its own end, not
    /// the machine's: it does not wait for the disk.
    pub fn start() -> Self {
        Self::start_with(&["fsync=off"])
    }

    /// The same, with every commit on the disk, as a service would have it.
    pub fn durable() -> Self {
        Self::start_with(&[])
    }

    /// The same, with these lines in its configuration instead.
    pub fn with(settings: &[&str]) -> Self {
        Self::start_with(settings)
    }

    fn start_with(settings: &[&str]) -> Self {
        let (port, folder) = (ports::free(), folder::temporary("postgres"));
        let guardian = Guardian::start(&installed(), &folder, port, settings);
        let server = Self { guardian, port };
        server.wait_until_it_answers();
        server
    }

    /// The url of its database `postgres`, as its superuser.
    pub fn url(&self) -> String {
        self.url_through(self.port)
    }

    /// The same by another port, such as a proxy's.
    pub fn url_through(&self, port: u16) -> String {
        format!("postgres://swit@127.0.0.1:{port}/postgres?sslmode=disable")
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as a crash does (`pg_ctl stop -m immediate`): nothing is written any more, and the next start recovers.
    pub fn crash(&self) {
        self.guardian.tell("crash");
    }

    /// Starts it again, and waits until it takes connections.
    pub fn restart(&self) {
        self.guardian.tell("start");
        self.wait_until_it_answers();
    }

    fn wait_until_it_answers(&self) {
        // Its own tool knows best: the port is open before recovery is over.
        for _ in 0..600 {
            if self.guardian.tell("ready") == "yes" {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL does not answer:\n{}", self.guardian.last_words());
    }
}

/// The newest version that is installed.
fn installed() -> PathBuf {
    let versions = std::fs::read_dir(Path::new(VERSIONS)).into_iter().flatten().flatten();
    let bins = versions.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists());
    let number = |bin: &PathBuf| bin.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    bins.max_by_key(number).unwrap_or_else(|| {
        panic!("PostgreSQL is not installed: install the Debian package `postgresql`, or run scripts/test")
    })
}
