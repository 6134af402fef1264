//! What these tests stand on: a database, with or without a broker, and processes of `order-saga` on them.

use std::{
    ffi::OsStr,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use swit::stores::sqlx::{self, ConnectOptions as _, Row as _};
use swit_testbed::{Broker, Postgres, folder::Folder};
use tokio::runtime::Runtime;

use crate::binary::{assert_balanced, summary};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// What a failpoint ends its process with, on Linux.
const ABORTED: i32 = 6;

/// A database, and a broker if there is one.
pub(crate) struct Ground {
    url: String,
    broker: Option<Broker>,
    runtime: Runtime,
    #[expect(dead_code, reason = "held")]
    place: Place,
}

#[expect(dead_code, reason = "held")]
enum Place {
    Sqlite(Folder),
    Postgres(Postgres),
    Elsewhere,
}

impl Ground {
    fn new(url: String, place: Place) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { url, broker: None, runtime, place }
    }

    pub(crate) fn sqlite() -> Self {
        let folder = Folder::temporary("order-saga");
        Self::new(format!("sqlite:{}/orders.db", folder.path().display()), Place::Sqlite(folder))
    }

    pub(crate) fn postgres() -> Self {
        let server = Postgres::start();
        Self::new(server.url(), Place::Postgres(server))
    }

    /// A database of its own on this server.
    pub(crate) fn beside(&self, name: &str) -> Self {
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        self.runtime.block_on(async {
            let options: sqlx::postgres::PgConnectOptions = self.url.parse().unwrap();
            let mut connection = options.connect().await.unwrap();
            sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
        });
        Self::new(self.url.replace("/postgres?", &format!("/{name}?")), Place::Elsewhere)
    }

    pub(crate) fn on_rabbitmq(mut self) -> Self {
        self.broker = Some(Broker::start());
        self
    }

    /// The binary, which ends with a summary as JSON.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.bare();
        command.arg("--json");
        command
    }

    /// The binary, on this ground, with nothing of this process's environment that could configure it.
    pub(crate) fn bare(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_order-saga"));
        command.current_dir(std::env::temp_dir()).env_remove("RUST_LOG").env_remove("SWIT_TRANSPORT");
        command.env("SWIT_DATABASE__URL", &self.url).env("SWIT_DATABASE__LEASE", "1s");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(broker) = &self.broker {
            command.env("SWIT_TRANSPORT", broker.url());
        }
        command
    }

    /// Starts it on a file.
    pub(crate) fn start(&self, input: impl AsRef<OsStr>) -> Running {
        Running(self.command().arg(input).spawn().unwrap())
    }

    /// Runs a file to its end; it must balance.
    pub(crate) fn run(&self, input: impl AsRef<Path>) -> Value {
        self.start(input.as_ref()).end()
    }

    /// Runs a file with a failpoint, which must end it.
    pub(crate) fn crash(&self, input: &Path, failpoint: &str) {
        let child = self.command().arg(input).env("SWIT_FAILPOINT", failpoint).spawn().unwrap();
        let output = Running(child).output();
        assert_eq!(output.status.signal(), Some(ABORTED), "{failpoint} is never passed: {output:?}");
    }

    /// All rows of a query, every column as text.
    pub(crate) fn rows(&self, query: &'static str) -> Vec<Vec<String>> {
        self.try_rows(query).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    fn try_rows(&self, query: &'static str) -> Result<Vec<Vec<String>>, sqlx::Error> {
        macro_rules! fetch {
            ($options:ty) => {{
                let mut connection = self.url.parse::<$options>()?.connect().await?;
                let rows = sqlx::query(query).fetch_all(&mut connection).await?;
                Ok(rows.iter().map(|row| (0..row.len()).map(|column| row.get(column)).collect()).collect())
            }};
        }
        self.runtime.block_on(async {
            if self.url.starts_with("sqlite:") {
                fetch!(sqlx::sqlite::SqliteConnectOptions)
            } else {
                fetch!(sqlx::postgres::PgConnectOptions)
            }
        })
    }

    /// Nothing was given up: the broker's dead-letter queues are empty.
    pub(crate) fn gave_nothing_up(&self) {
        let Some(broker) = &self.broker else { return };
        let queues = broker.list_queues();
        assert!(queues.iter().any(|queue| queue.name == "order-saga.book-parcel"), "{queues:?}");
        let full: Vec<_> =
            queues.iter().filter(|queue| queue.name.strip_suffix(".dlq").is_some() && queue.depth() > 0).collect();
        assert!(full.is_empty(), "dead letters: {full:?}");
    }

    /// How many outcomes there are; none before there are tables.
    pub(crate) fn ended(&self) -> u64 {
        let rows = self.try_rows("SELECT CAST(count(*) AS TEXT) FROM outcome").unwrap_or_default();
        rows.first().map_or(0, |row| row[0].parse().unwrap())
    }

    /// Waits until there are more outcomes than this.
    pub(crate) fn until_more_than(&self, ended: u64) {
        let began = Instant::now();
        while self.ended() <= ended {
            assert!(began.elapsed() < PATIENCE, "nothing comes to an end");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A process that runs. Dropped, it is killed.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// As `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        let output = self.output();
        assert_eq!(output.status.signal(), Some(9), "it had ended before it was killed: {output:?}");
    }

    /// Waits for its end; it must balance.
    pub(crate) fn end(self) -> Value {
        let output = self.output();
        assert!(output.status.success(), "{output:?}");
        let summary = summary(&output);
        assert_balanced(&summary);
        summary
    }

    fn output(mut self) -> Output {
        let began = Instant::now();
        // What it says is little, so that its pipes don't fill.
        while self.0.try_wait().unwrap().is_none() {
            if began.elapsed() > PATIENCE {
                self.0.kill().unwrap();
                let status = self.0.wait().unwrap();
                panic!("it did not end within {PATIENCE:?} ({status})");
            }
            thread::sleep(Duration::from_millis(10));
        }
        let mut output = Output { status: self.0.wait().unwrap(), stdout: Vec::new(), stderr: Vec::new() };
        std::io::copy(self.0.stdout.as_mut().unwrap(), &mut output.stdout).unwrap();
        std::io::copy(self.0.stderr.as_mut().unwrap(), &mut output.stderr).unwrap();
        output
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
