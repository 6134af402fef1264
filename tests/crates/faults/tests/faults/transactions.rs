//! Fault 38: a process that is killed at every boundary of a transaction over two databases and the outbox. All of it is
//! there or none, and no prepared transaction is left.

use std::{collections::BTreeSet, os::unix::process::ExitStatusExt as _, process::Command, time::Duration};

use rand::{RngExt as _, SeedableRng as _};
use swit::stores::sqlx::{self, PgPool};
use swit_faults::{
    Process, Rig,
    rig::HEALING,
    transact::{Fate, fate},
};
use swit_testbed::Postgres;

use crate::rig;

/// Three databases of one server.
struct Shop {
    server: Postgres,
    runtime: tokio::runtime::Runtime,
    rig: Rig,
}

impl Shop {
    fn open() -> Self {
        let server = Postgres::start();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let shop = Self { rig: rig(server.url()), server, runtime };
        for name in ["orders", "payments"] {
            shop.say("postgres", &format!("CREATE DATABASE {name}"));
        }
        shop.say("orders", "CREATE TABLE entry (id BIGINT PRIMARY KEY)");
        shop.say("payments", "CREATE TABLE entry (id BIGINT UNIQUE DEFERRABLE INITIALLY DEFERRED)");
        shop
    }

    fn url(&self, database: &str) -> String {
        self.server.url().replace("/postgres?", &format!("/{database}?"))
    }

    fn say(&self, database: &str, text: &str) {
        let url = self.url(database);
        self.runtime.block_on(async {
            let pool = PgPool::connect(&url).await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned())).execute(&pool).await.unwrap();
            pool.close().await;
        });
    }

    fn read<T>(&self, database: &str, text: &'static str) -> Vec<T>
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let url = self.url(database);
        self.runtime.block_on(async {
            let pool = PgPool::connect(&url).await.unwrap();
            let rows = sqlx::query_scalar(text).fetch_all(&pool).await.unwrap();
            pool.close().await;
            rows
        })
    }

    /// Runs transactions, as a process that ends at a place, or when it is told to.
    fn start(&self, first: u64, count: u64, variables: &[(&str, &str)]) -> Process {
        let (orders, payments) = (self.url("orders"), self.url("payments"));
        let (first, count) = (first.to_string(), count.to_string());
        let own = [
            ("FAULTY_ORDERS", orders.as_str()),
            ("FAULTY_PAYMENTS", &payments),
            ("FAULTY_FIRST", &first),
            ("FAULTY_COUNT", &count),
        ];
        self.rig.start("transact", &[&own, variables].concat())
    }

    /// Has a process of its own go on with whatever is not over.
    fn recover(&self, variables: &[(&str, &str)]) {
        let patience = if std::env::var_os("SWIT_SABOTAGE").is_some() { Duration::from_secs(15) } else { HEALING };
        assert!(self.start(0, 0, variables).wait(patience).success(), "{}", self.rig.logs());
    }

    /// What is there, the same everywhere; nothing is left.
    fn entries(&self, when: &str) -> BTreeSet<u64> {
        let number = |id: i64| u64::try_from(id).unwrap();
        let of = |database: &str| -> BTreeSet<u64> {
            self.read::<i64>(database, "SELECT id FROM entry").into_iter().map(number).collect()
        };
        let published = self.read::<String>("postgres", "SELECT envelope FROM swit_outbox ORDER BY row_number");
        let key = |text: &String| {
            let envelope: serde_json::Value = serde_json::from_str(text).unwrap();
            envelope["key"].as_str().unwrap().parse::<u64>().unwrap()
        };
        let messages: Vec<u64> = published.iter().map(key).collect();
        let (orders, payments) = (of("orders"), of("payments"));
        assert_eq!(orders, payments, "{when}: all or none");
        assert_eq!(orders, messages.iter().copied().collect(), "{when}: all or none");
        assert_eq!(messages.len(), orders.len(), "{when}: published twice");
        let left = self.read::<String>("postgres", "SELECT gid FROM pg_prepared_xacts");
        assert_eq!(left, Vec::<String>::new(), "{when}: prepared transactions are left");
        for left in [
            self.read::<i64>("postgres", "SELECT count(*) FROM swit_decision"),
            self.read("postgres", "SELECT count(*) FROM swit_decision_participant"),
            self.read("postgres", "SELECT count(*) FROM swit_decision_held"),
        ] {
            assert_eq!(left, [0], "{when}: the log is not empty");
        }
        let record = self.rig.record();
        let numbers =
            |ids: &mut dyn Iterator<Item = &String>| ids.map(|id| id.parse::<u64>().unwrap()).collect::<BTreeSet<_>>();
        let confirmed = numbers(&mut record.confirmed.iter());
        let returned = numbers(&mut record.returned.iter());
        let lost: Vec<_> = confirmed.difference(&orders).collect();
        assert!(lost.is_empty(), "{when}: committed, and not there: {lost:?}");
        let invented: Vec<_> = returned.intersection(&orders).collect();
        assert!(invented.is_empty(), "{when}: rolled back, and there: {invented:?}");
        assert!(orders.iter().all(|number| fate(*number) == Fate::Commits), "{when}: {orders:?}");
        orders
    }
}

/// What a failpoint ends its process with, on Linux.
const ABORTED: i32 = 6;

/// Every place, with how often it is passed before: participants pass theirs side by side.
const PLACES: [(&str, &[u32]); 14] = [
    ("two_phase_begun", &[1, 3]),
    ("two_phase_open", &[2]),
    ("two_phase_unprepared", &[1]),
    ("postgres_unprepared", &[1, 2]),
    ("postgres_prepared", &[1, 2]),
    ("two_phase_prepared", &[1, 2, 3]),
    ("two_phase_undecided", &[1, 2]),
    ("two_phase_decided", &[1, 2]),
    ("postgres_uncommitted", &[1, 2]),
    ("postgres_committed", &[1, 2]),
    ("two_phase_committed", &[1, 2, 3]),
    ("two_phase_aborting", &[1, 2]),
    ("two_phase_rolled_back", &[1, 2, 3, 4]),
    ("two_phase_forgotten", &[1, 2]),
];

#[test]
fn a_process_killed_at_any_boundary_leaves_all_or_nothing() {
    let shop = Shop::open();
    let (mut first, mut there) = (1, 0);
    for (place, times) in PLACES {
        for nth in times {
            let when = format!("{place}:{nth}");
            // Commits, commits, fails, commits, does not prepare, fails, commits.
            let mut process = shop.start(first, 7, &[("SWIT_FAILPOINT", &when)]);
            let ended = process.wait(HEALING);
            assert_eq!(ended.signal(), Some(ABORTED), "{when} is never passed\n{}", shop.rig.logs());
            shop.recover(&[("FAULTY_HURRIES", "1")]);
            let entries = shop.entries(&when);
            there = entries.len();
            first += 15;
        }
    }
    assert!(there > 20, "only {there} transactions committed");
}

/// Without any help: the task of a service that is started again.
#[test]
fn a_service_goes_on_with_what_its_predecessor_left() {
    let shop = Shop::open();
    for (first, place, expected) in
        [(1, "two_phase_undecided", 0), (16, "two_phase_decided", 1), (31, "postgres_committed", 2)]
    {
        let ended = shop.start(first, 1, &[("SWIT_FAILPOINT", place)]).wait(HEALING);
        assert_eq!(ended.signal(), Some(ABORTED), "{place} is never passed\n{}", shop.rig.logs());
        shop.recover(&[]);
        assert_eq!(shop.entries(place).len(), expected);
    }
}

#[test]
fn a_process_killed_again_and_again_leaves_all_or_nothing() {
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut random = rand::rngs::SmallRng::seed_from_u64(seed);
    let shop = Shop::open();
    // Makes the tables, so that the first kill is not in the middle of that.
    shop.recover(&[]);
    for round in 0..20 {
        let mut process = shop.start(1 + round * 10_000, 10_000, &[]);
        process.wait_for_log("opened the database", HEALING);
        std::thread::sleep(Duration::from_millis(random.random_range(20..500)));
        process.kill();
    }
    shop.recover(&[]);
    let entries = shop.entries(&format!("seed {seed}"));
    println!("{} transactions committed", entries.len());
    assert!(entries.len() > 20, "only {} transactions committed", entries.len());
}

/// By command, whose broker is away: what is decided lies in the database, and so does what it releases.
#[test]
fn what_is_left_is_listed_and_resolved_by_command() {
    let (shop, nobody) = (Shop::open(), swit_testbed::free_port());
    let run = |what: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_bank"))
            .args(["transactions", what])
            .env("SWIT_TRANSPORT", format!("amqp://guest:guest@127.0.0.1:{nobody}"))
            .env("SWIT_DATABASE__URL", shop.server.url())
            .env("FAULTY_ORDERS", shop.url("orders"))
            .env("FAULTY_PAYMENTS", shop.url("payments"))
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{what}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    };
    shop.recover(&[]);
    assert_eq!(run("list"), "all transactions are over\n");
    assert!(shop.start(1, 1, &[("SWIT_FAILPOINT", "two_phase_decided")]).wait(HEALING).signal() == Some(ABORTED));
    let listed = run("list");
    assert!(listed.contains("  committed  faults  begun "), "{listed}");
    assert!(listed.ends_with("orders waiting, payments waiting, messages waiting\n"), "{listed}");
    assert_eq!(run("resolve"), "1 are over now, 0 are not\n");
    assert_eq!(shop.entries("resolved").len(), 1);
    assert_eq!(run("list"), "all transactions are over\n");
    assert_eq!(run("resolve"), "0 are over now, 0 are not\n");
}
