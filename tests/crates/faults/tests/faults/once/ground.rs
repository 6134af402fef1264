//! What these tests stand on: a broker, a database, processes that use both, and a look at what they left in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use swit::stores::sqlx::{self, PgPool, SqlitePool, pool::PoolOptions};
use swit_faults::{
    Conduct, Process, Rig,
    rig::{HEALING, RESUMPTION, shortened},
};
use swit_testbed::{Broker, Postgres, folder::Folder, ledger::Record};
use tokio::runtime::Runtime;

use crate::rig;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Postgres,
    Sqlite,
}

enum Place {
    Postgres(Postgres, PgPool),
    Sqlite(Folder, SqlitePool),
}

/// The broker, the database, and the processes' rig.
pub(super) struct Ground {
    pub(super) broker: Broker,
    pub(super) rig: Rig,
    place: Place,
    runtime: Runtime,
}

/// How often each id is in a table.
pub(super) type Rows = BTreeMap<String, usize>;

/// A queue of a test that looks on.
pub(super) const WATCH: &str = "watch";

/// Has processes say when a message is one that was handled: [`DUPLICATE`].
pub(super) const TALKATIVE: (&str, &str) = ("RUST_LOG", "info,swit_runtime::pipeline::inbox=debug");

/// What an inbox says of a message that it knows.
pub(super) const DUPLICATE: &str = "a duplicate; it was handled";

/// How long a relay may be silent in these tests.
pub(super) const LEASE: Duration = Duration::from_secs(2);

impl Ground {
    pub(super) fn start(kind: Kind) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let place = {
            let _entered = runtime.enter();
            match kind {
                Kind::Postgres => {
                    let server = Postgres::start();
                    let pool = looking().connect_lazy(&server.url()).unwrap();
                    Place::Postgres(server, pool)
                }
                Kind::Sqlite => {
                    let folder = Folder::temporary("once");
                    let pool =
                        looking().connect_lazy(&format!("sqlite:{}/faults.db", folder.path().display())).unwrap();
                    Place::Sqlite(folder, pool)
                }
            }
        };
        let broker = Broker::start();
        Self { rig: rig(broker.url()), broker, place, runtime }
    }

    /// The server, where there is one.
    pub(super) fn postgres(&self) -> &Postgres {
        match &self.place {
            Place::Postgres(server, _) => server,
            Place::Sqlite(..) => panic!("there is no server"),
        }
    }

    /// The database's url.
    pub(super) fn url(&self) -> String {
        match &self.place {
            Place::Postgres(server, _) => server.url(),
            Place::Sqlite(folder, _) => format!("sqlite:{}/faults.db", folder.path().display()),
        }
    }

    /// Starts a process in a role, with these lines more of the section `database`, and waits for nothing.
    pub(super) fn starting(&self, role: &str, database: &str, variables: &[(&str, &str)]) -> Process {
        let text = configuration(&self.url(), database);
        self.rig.start_breakable(role, &[&[("FAULTY_CONFIGURATION", text.as_str())], variables].concat())
    }

    /// A process in a role that has started.
    pub(super) fn started(&self, role: &str, database: &str, variables: &[(&str, &str)]) -> Process {
        let process = self.starting(role, database, variables);
        process.wait_for_log("started", HEALING);
        process
    }

    /// Both subscribers and a relay, in one process that has started.
    pub(super) fn service(&self, variables: &[(&str, &str)]) -> Process {
        self.started("once", "", variables)
    }

    /// A process that commits transactions of its own, from number `first` on.
    pub(super) fn committing(&self, first: u64, count: u64, database: &str, variables: &[(&str, &str)]) -> Process {
        let (first, count) = (first.to_string(), count.to_string());
        let own = [("FAULTY_FIRST", first.as_str()), ("FAULTY_COUNT", &count)];
        self.starting("commit", database, &[&own, variables].concat())
    }

    /// Messages from number 0 on, until it is told to end.
    pub(super) fn endless_producer(&self) -> Process {
        self.rig.producer(0, 1_000_000, &[Conduct::Succeed], &[("FAULTY_PAUSE_MS", "5")])
    }

    /// Waits until so many more ids have had all their effects.
    pub(super) fn goes_on(&self, more: usize) {
        let before = self.count("followed");
        self.wait_until("work goes on", HEALING, || self.count("followed") >= before + more);
    }

    /// How often each id is in a table. `None`: the database does not answer, or there is no table yet.
    pub(super) fn rows(&self, table: &str) -> Option<Rows> {
        let text = format!("SELECT id, count(*) FROM {table} GROUP BY id");
        let pairs: Vec<(String, i64)> = match &self.place {
            Place::Postgres(_, pool) => {
                self.runtime.block_on(sqlx::query_as(sqlx::AssertSqlSafe(text)).fetch_all(pool)).ok()?
            }
            Place::Sqlite(_, pool) => {
                self.runtime.block_on(sqlx::query_as(sqlx::AssertSqlSafe(text)).fetch_all(pool)).ok()?
            }
        };
        Some(pairs.into_iter().map(|(id, times)| (id, usize::try_from(times).unwrap())).collect())
    }

    /// A number that a query answers.
    pub(super) fn number(&self, text: &str) -> Option<i64> {
        let text = text.to_owned();
        match &self.place {
            Place::Postgres(_, pool) => {
                self.runtime.block_on(sqlx::query_scalar(sqlx::AssertSqlSafe(text)).fetch_one(pool)).ok()
            }
            Place::Sqlite(_, pool) => {
                self.runtime.block_on(sqlx::query_scalar(sqlx::AssertSqlSafe(text)).fetch_one(pool)).ok()
            }
        }
    }

    /// Waits until it is so. The panic that says that it never was shows what the processes said last.
    pub(super) fn wait_until(&self, what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) {
        let (began, patience) = (Instant::now(), shortened(patience));
        while !is_so() {
            assert!(
                began.elapsed() < patience,
                "{what}: not within {patience:?}; {:?} in the outbox; {:?}\n{}",
                self.number("SELECT count(*) FROM swit_outbox"),
                self.broker.list_queues(),
                self.rig.logs()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// How many ids are in a table.
    pub(super) fn count(&self, table: &str) -> usize {
        self.rows(table).map_or(0, |rows| rows.len())
    }

    /// Whether nothing is on its way: asked in the order in which things go, with the queues on both ends.
    fn is_drained(&self) -> bool {
        let are_empty = || self.broker.list_queues().iter().all(|queue| queue.depth() == 0 || queue.name == WATCH);
        are_empty() && self.number("SELECT count(*) FROM swit_outbox") == Some(0) && are_empty()
    }

    /// Waits until all is drained.
    pub(super) fn drain(&self) {
        self.wait_until("all is drained", HEALING, || self.is_drained());
    }

    /// C: of all that was published, and nothing else, there is exactly one effect an id in both tables.
    pub(super) fn settle(&self) -> Record {
        self.drain();
        let record = self.rig.record();
        let [entered, followed] = ["entered", "followed"].map(|table| self.rows(table).unwrap());
        once("entered", &entered, &record.confirmed, &record.attempted);
        once("followed", &followed, &record.confirmed, &record.attempted);
        assert_eq!(entered, followed, "what has entered is followed");
        record
    }

    /// F: from `healed` on, it takes no longer than it may until a new message has all its effects.
    pub(super) fn resumes(&self, number: u64, healed: Instant) {
        let mut prober = self.rig.producer(number, 1, &[Conduct::Succeed], &[]);
        let probe = format!("work-{number}");
        self.wait_until("F: work resumes", RESUMPTION.saturating_sub(healed.elapsed()), || {
            self.rows("followed").is_some_and(|rows| rows.contains_key(&probe))
        });
        prober.wait(HEALING);
    }

    /// Waits for the runtime of this test.
    pub(super) fn block_on<T>(&self, task: impl Future<Output = T>) -> T {
        self.runtime.block_on(task)
    }

    /// How often all processes said this.
    pub(super) fn said(&self, text: &str) -> usize {
        self.rig.all_logs().matches(text).count()
    }
}

/// The configuration of a process on the database at this url.
pub(super) fn configuration(url: &str, more: &str) -> String {
    format!("[database]\nurl = '{url}'\nmigrate = true\nlease = '{}s'\npoll = '100ms'\n{more}", LEASE.as_secs())
}

fn looking<D: sqlx::Database>() -> PoolOptions<D> {
    PoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(2))
}

/// Ends a process, which has nothing to complain of.
pub(super) fn end(mut process: Process) {
    process.signal("TERM");
    assert!(process.wait(HEALING).success(), "{}", process.log());
}

/// Nothing lost, nothing invented, nothing twice.
pub(super) fn once(table: &str, rows: &Rows, confirmed: &BTreeSet<String>, attempted: &BTreeSet<String>) {
    let lost: Vec<_> = confirmed.iter().filter(|id| !rows.contains_key(*id)).collect();
    assert!(lost.is_empty(), "A: lost before `{table}`: {lost:?}");
    let invented: Vec<_> = rows.keys().filter(|id| !attempted.contains(*id)).collect();
    assert!(invented.is_empty(), "B: invented in `{table}`: {invented:?}");
    let twice: Vec<_> = rows.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "C: twice in `{table}`: {twice:?}");
}
