//! What every store owes, held to on each: memory, SQLite and PostgreSQL.

use std::{
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use swit::{
    Message, MessageId, Migrations, Statement, StoreError, Unrouted,
    store::{Claim, Depth, Enlisted, Look, Partition, Store, Value},
    stores::{MemoryStore, PostgresOptions, SqlStore, SqliteOptions, TablePrefix},
};
use swit_testbed::{Postgres, folder::Folder};

/// A server for all tests of this process, each of which has tables of its own.
pub(crate) fn postgres() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(Postgres::start)
}

/// A prefix that no other test has.
pub(crate) fn prefix() -> TablePrefix {
    let unique = MessageId::new(SystemTime::now()).to_string().replace('-', "");
    TablePrefix::parse(&format!("t{unique}_")).unwrap()
}

pub(crate) async fn on_postgres() -> SqlStore {
    let options = PostgresOptions::url(&postgres().url()).unwrap().connections(12).prefix(prefix());
    let store = options.open().await.unwrap();
    store.migrate(&[]).await.unwrap();
    store
}

pub(crate) async fn on_sqlite(folder: &Folder) -> SqlStore {
    let store = SqliteOptions::file(folder.path().join("test.db")).prefix(prefix()).open().await.unwrap();
    store.migrate(&[]).await.unwrap();
    store
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn publication(key: Option<&str>, id: &str) -> Enlisted {
    let mut message = Message::new("order.created", format!("payload of {id}")).with_id(MessageId::parse(id).unwrap());
    message.key = key.map(Into::into);
    message.headers.insert("x-a", 7_i64);
    message.timestamp = Some(at(5));
    Enlisted { message, transport: "default".into(), unrouted: Unrouted::Warn, due: None }
}

const ALL: [u16; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

async fn a_claim_counts_once_it_is_committed(store: &dyn Store) {
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.claim("a", "1", at(1)).await.unwrap(), Claim::New);
    drop(work);
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.claim("a", "1", at(1)).await.unwrap(), Claim::New, "it was not committed");
    assert_eq!(work.claim("b", "1", at(1)).await.unwrap(), Claim::New, "another subscriber");
    assert_eq!(work.claim("a", "1", at(1)).await.unwrap(), Claim::Duplicate, "its own");
    work.keep("a", "1", "result".into()).await.unwrap();
    assert_eq!(store.result("a", "1").await.unwrap(), None, "not yet");
    work.commit().await.unwrap();
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.claim("a", "1", at(2)).await.unwrap(), Claim::Duplicate);
    assert_eq!(work.claim("a", "2", at(2)).await.unwrap(), Claim::New);
    work.commit().await.unwrap();
    assert_eq!(store.result("a", "1").await.unwrap(), Some(Some("result".into())));
    assert_eq!(store.result("a", "2").await.unwrap(), Some(None));
    assert_eq!(store.result("a", "3").await.unwrap(), None);
}

async fn a_claim_waits_for_what_becomes_of_another(store: &dyn Store) {
    for commits in [false, true] {
        let mut first = store.begin().await.unwrap();
        assert_eq!(first.claim("a", "1", at(1)).await.unwrap(), Claim::New);
        let second = async {
            let mut work = store.begin().await.unwrap();
            work.claim("a", "1", at(1)).await.unwrap()
        };
        tokio::pin!(second);
        let waits = tokio::time::timeout(Duration::from_millis(100), &mut second).await;
        assert!(waits.is_err(), "it did not wait: {waits:?}");
        if commits {
            first.commit().await.unwrap();
        } else {
            drop(first);
        }
        let came = tokio::time::timeout(Duration::from_secs(10), second).await.unwrap();
        assert_eq!(came, if commits { Claim::Duplicate } else { Claim::New });
    }
}

async fn what_is_old_is_forgotten_bit_by_bit(store: &dyn Store) {
    let mut work = store.begin().await.unwrap();
    for number in 0..10_u64 {
        work.claim("a", &number.to_string(), at(number)).await.unwrap();
    }
    work.commit().await.unwrap();
    assert_eq!(store.forget(at(5), 3).await.unwrap(), 3);
    assert_eq!(store.forget(at(5), 3).await.unwrap(), 2);
    assert_eq!(store.forget(at(5), 3).await.unwrap(), 0);
    assert_eq!(store.result("a", "4").await.unwrap(), None);
    assert_eq!(store.result("a", "5").await.unwrap(), Some(None));
    let day = Duration::from_hours(24);
    assert!(store.due("job", day, at(100_000)).await.unwrap(), "never begun");
    assert!(!store.due("job", day, at(186_399)).await.unwrap(), "begun less than a day ago");
    assert!(store.due("another", day, at(100_001)).await.unwrap());
    assert!(store.due("job", day, at(186_400)).await.unwrap());
}

async fn enlist(store: &dyn Store, publications: &[Enlisted]) {
    let mut work = store.begin().await.unwrap();
    work.enlist(publications, at(9)).await.unwrap();
    work.commit().await.unwrap();
}

async fn ids(store: &dyn Store, partitions: &[u16]) -> Vec<String> {
    let rows = store.outbox().pending("default", partitions, Look::first(1_000)).await.unwrap();
    rows.into_iter().map(|row| row.publication.unwrap().message.id.to_string()).collect()
}

async fn what_is_enlisted_is_pending_in_its_order(store: &dyn Store) {
    let outbox = store.outbox();
    let mut dropped = store.begin().await.unwrap();
    dropped.enlist(&[publication(None, "dropped")], at(9)).await.unwrap();
    drop(dropped);
    let many: Vec<_> = (0..150).map(|number| publication(Some("k"), &format!("m{number}"))).collect();
    enlist(store, &many).await;
    let expected: Vec<_> = (0..150).map(|number| format!("m{number}")).collect();
    assert_eq!(ids(store, &ALL).await, expected);
    let rows = outbox.pending("default", &ALL, Look::first(2)).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].publication.as_ref(), Ok(&many[0]), "all of it comes back");
    assert_eq!(outbox.pending("another", &ALL, Look::first(2)).await.unwrap(), []);
    assert_eq!(outbox.pending("default", &[], Look::first(2)).await.unwrap(), []);
    // All rows of one key are in one partition.
    let full = {
        let mut full = Vec::new();
        for partition in ALL {
            full.push(ids(store, &[partition]).await.len());
        }
        full.into_iter().filter(|rows| *rows > 0).collect::<Vec<_>>()
    };
    assert_eq!(full, [150]);
    assert_eq!(outbox.depth().await.unwrap(), depth(150, 0));
    let numbers: Vec<_> =
        outbox.pending("default", &ALL, Look::first(1_000)).await.unwrap().into_iter().map(|row| row.row).collect();
    let middle = Look { behind: numbers[1], until: numbers[9], without: &numbers[3..5], limit: 4 };
    let rows = outbox.pending("default", &ALL, middle).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [2, 5, 6, 7].map(|at| numbers[at]));
    let rows = outbox.pending("default", &ALL, Look { limit: 100, ..middle }).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [2, 5, 6, 7, 8, 9].map(|at| numbers[at]));
    // Left out by the thousand.
    let without: Vec<i64> = (0..5_000).collect();
    let but_few = Look { without: &without, ..Look::first(1_000) };
    let left = numbers.iter().filter(|row| **row >= 5_000).count();
    assert_eq!(outbox.pending("default", &ALL, but_few).await.unwrap().len(), left);
    let beside =
        |transports: &[&'static str]| transports.iter().map(|name| (*name).into()).collect::<Vec<swit::Text>>();
    assert_eq!(outbox.waiting_beside(&beside(&["another", "default"])).await.unwrap(), []);
    assert_eq!(outbox.waiting_beside(&beside(&["another"])).await.unwrap(), [("default".into(), 150)]);
    assert_eq!(outbox.waiting_beside(&[]).await.unwrap(), [("default".into(), 150)]);
    outbox.done(&numbers[..148]).await.unwrap();
    outbox.done(&[]).await.unwrap();
    assert_eq!(ids(store, &ALL).await, ["m148", "m149"]);
    outbox.park(numbers[148], "no\nway", at(20)).await.unwrap();
    assert_eq!(ids(store, &ALL).await, ["m149"]);
    assert_eq!(outbox.depth().await.unwrap(), depth(1, 1));
    let parked = outbox.parked(0, 10).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!((&*parked[0].id, &*parked[0].topic, &*parked[0].error), ("m148", "order.created", "no\nway"));
    assert_eq!((parked[0].row, parked[0].since), (numbers[148], at(20)));
    assert_eq!(outbox.parked(numbers[148], 10).await.unwrap(), []);
    assert_eq!(outbox.replay(Some(&[numbers[149]])).await.unwrap(), 0, "that one is not parked");
    assert_eq!(outbox.replay(Some(&[numbers[148]])).await.unwrap(), 1);
    assert_eq!(ids(store, &ALL).await, ["m148", "m149"], "in its old place");
    outbox.park(numbers[149], "no", at(20)).await.unwrap();
    assert_eq!(outbox.replay(None).await.unwrap(), 1);
}

fn depth(pending: u64, parked: u64) -> Depth {
    let mut depth = Depth::default();
    (depth.pending, depth.parked) = (pending, parked);
    depth.oldest = (pending > 0).then(|| at(9));
    depth
}

async fn a_partition_has_one_relay(store: &dyn Store) {
    let outbox = store.outbox();
    let free = outbox.partitions().await.unwrap();
    assert_eq!(free.len(), 16);
    assert!(free.iter().zip(ALL).all(|(found, number)| found.number == number && found.relay.is_empty()));
    assert_eq!(outbox.beat("one").await.unwrap(), Vec::<u16>::new());
    let beat = |relays: &[(swit::Text, i64)]| relays.iter().find(|(name, _)| name == "one").unwrap().1;
    let before = beat(&outbox.relays().await.unwrap());
    assert_eq!(outbox.take(&[], "one").await.unwrap(), Vec::<u16>::new());
    assert_eq!(outbox.take(&free[3..4], "one").await.unwrap(), [3]);
    assert_eq!(outbox.take(&free[3..5], "two").await.unwrap(), [4], "the other is another's by now");
    outbox.release("two", &[4]).await.unwrap();
    assert_eq!(outbox.beat("one").await.unwrap(), [3]);
    assert!(beat(&outbox.relays().await.unwrap()) > before);
    let seen = outbox.partitions().await.unwrap().swap_remove(3);
    let last = beat(&outbox.relays().await.unwrap());
    assert_eq!(seen, Partition { number: 3, relay: "one".into(), beat: Some(last) });
    // It lives: whoever took it for dead finds that out.
    assert_eq!(outbox.beat("one").await.unwrap(), [3]);
    assert_eq!(outbox.take(std::slice::from_ref(&seen), "two").await.unwrap(), Vec::<u16>::new());
    outbox.leave("one", seen.beat).await.unwrap();
    assert_eq!(beat(&outbox.relays().await.unwrap()), last + 1, "it is not forgotten either");
    let unknown = Partition { beat: None, ..seen.clone() };
    assert_eq!(outbox.take(&[unknown], "two").await.unwrap(), Vec::<u16>::new());
    let seen = Partition { beat: Some(last + 1), ..seen };
    let free = outbox.partitions().await.unwrap().swap_remove(5);
    let mut taken = outbox.take(&[seen, free], "two").await.unwrap();
    taken.sort_unstable();
    assert_eq!(taken, [3, 5]);
    outbox.release("two", &[5]).await.unwrap();
    assert_eq!(outbox.beat("one").await.unwrap(), Vec::<u16>::new());
    outbox.release("one", &[3]).await.unwrap();
    assert_eq!(outbox.beat("two").await.unwrap(), [3], "nobody gives back what is another's");
    outbox.release("two", &[3]).await.unwrap();
    assert_eq!(outbox.beat("two").await.unwrap(), Vec::<u16>::new());
    outbox.leave("one", None).await.unwrap();
    // Of one that is not known, what was seen to be nobody's that is known.
    let seen = Partition { number: 7, relay: "ghost".into(), beat: None };
    assert_eq!(outbox.take(&[outbox.partitions().await.unwrap().swap_remove(7)], "ghost").await.unwrap(), [7]);
    assert_eq!(outbox.take(&[seen], "two").await.unwrap(), [7]);
    outbox.release("two", &[7]).await.unwrap();
    let relays: Vec<_> = outbox.relays().await.unwrap().into_iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(relays, ["two"]);
}

async fn a_commit_wakes_whoever_relays(store: &dyn Store) {
    let outbox = store.outbox();
    let woken = outbox.committed();
    let enlisting = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        enlist(store, &[publication(None, "1")]).await;
    };
    let (woken, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(10), woken), enlisting);
    woken.unwrap();
    // One that came before anybody waited is not missed.
    enlist(store, &[publication(None, "2")]).await;
    tokio::time::timeout(Duration::from_secs(10), outbox.committed()).await.unwrap();
}

macro_rules! owed {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&super::MemoryStore::new()).await;
            })*
        }

        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let folder = super::Folder::temporary("sqlite");
                super::$name(&super::on_sqlite(&folder).await).await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&super::on_postgres().await).await;
            })*
        }
    };
}

mod sagas;

owed!(
    a_claim_counts_once_it_is_committed,
    a_claim_waits_for_what_becomes_of_another,
    what_is_old_is_forgotten_bit_by_bit,
    what_is_enlisted_is_pending_in_its_order,
    a_partition_has_one_relay,
    a_commit_wakes_whoever_relays,
);

/// Whoever is looked at to be taken over can't show that it lives at the same time: it keeps all it has, or learns that it lost it.
#[tokio::test]
async fn a_relay_that_is_taken_over_knows() {
    let store = on_postgres().await;
    let outbox = store.outbox();
    for round in 0..100 {
        let (one, two) = (format!("one{round}"), format!("two{round}"));
        outbox.beat(&one).await.unwrap();
        let free = outbox.partitions().await.unwrap();
        assert_eq!(outbox.take(&free, &one).await.unwrap().len(), 16);
        let seen = outbox.partitions().await.unwrap();
        let (kept, taken) = tokio::join!(outbox.beat(&one), outbox.take(&seen, &two));
        let (kept, taken) = (kept.unwrap().len(), taken.unwrap().len());
        assert!(matches!((kept, taken), (16, 0) | (0, 16)), "{kept} kept, {taken} taken");
        outbox.release(if kept == 0 { &two } else { &one }, &ALL).await.unwrap();
    }
}

/// Fault 34: what commits late is not passed by.
#[tokio::test]
async fn a_late_commit_is_published_too() {
    let store = on_postgres().await;
    let mut early = store.begin().await.unwrap();
    early.enlist(&[publication(Some("k"), "began first")], at(9)).await.unwrap();
    enlist(&store, &[publication(Some("k"), "committed first")]).await;
    let rows = store.outbox().pending("default", &ALL, Look::first(10)).await.unwrap();
    assert_eq!(rows.len(), 1);
    store.outbox().done(&[rows[0].row]).await.unwrap();
    early.commit().await.unwrap();
    assert_eq!(ids(&store, &ALL).await, ["began first"]);
}

async fn portable(store: &SqlStore) {
    let mut work = store.begin().await.unwrap();
    let say = Statement::new;
    let doubles = if store.system() == "sqlite" { "REAL" } else { "DOUBLE PRECISION" };
    let bytes = if store.system() == "sqlite" { "BLOB" } else { "BYTEA" };
    let table = prefix();
    let create = format!("CREATE TABLE {table} (i BIGINT, r {doubles}, t TEXT, b {bytes}, y BOOLEAN)");
    work.execute(say(&create)).await.unwrap();
    let insert = format!("INSERT INTO {table} VALUES ($1, $2, $3, $4, $5)");
    let full = say(&insert).bind(-7_i64).bind(0.5).bind("täxt").bind(vec![0_u8, 255]).bind(true);
    assert_eq!(work.execute(full).await.unwrap(), 1);
    let nothing =
        say(&insert).bind(None::<i64>).bind(None::<f64>).bind(None::<&str>).bind(None::<Vec<u8>>).bind(None::<bool>);
    assert_eq!(work.execute(nothing).await.unwrap(), 1);
    let read = format!("SELECT i, r, t, b, y, count(*) OVER () FROM {table} ORDER BY i IS NULL");
    let rows = work.fetch(say(&read)).await.unwrap();
    let row = &rows[0];
    assert_eq!((row.integer(0).unwrap(), row.real(1).unwrap()), (-7, 0.5));
    assert_eq!((row.text(2).unwrap().as_str(), row.bytes(3).unwrap()), ("täxt", vec![0, 255]));
    assert!(row.boolean(4).unwrap() && row.integer(5).unwrap() == 2);
    let row = &rows[1];
    assert_eq!((row.optional_integer(0).unwrap(), row.optional_real(1).unwrap()), (None, None));
    assert_eq!((row.optional_text(2).unwrap(), row.optional_bytes(3).unwrap()), (None, None));
    let twice = format!("SELECT t FROM {table} WHERE i = $1 OR i = $1 + 1");
    assert_eq!(work.fetch(say(&twice).bind(-8_i64)).await.unwrap().len(), 1, "one value, used twice");
    let refused = work.execute(say("SELEKT 1")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused { .. }), "{refused:?}");
    let _ = Value::from(1_i64);
}

/// PostgreSQL answers such a commit as if it were one, and rolls back.
#[tokio::test]
async fn a_transaction_in_which_a_statement_failed_is_not_called_committed() {
    let store = on_postgres().await;
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.claim("a", "1", at(1)).await.unwrap(), Claim::New);
    work.execute(Statement::new("SELECT * FROM there_is_none")).await.unwrap_err();
    let error = work.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
    assert_eq!(store.result("a", "1").await.unwrap(), None);
    // On SQLite a statement that fails undoes itself alone.
    let folder = Folder::temporary("sqlite");
    let store = on_sqlite(&folder).await;
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.claim("a", "1", at(1)).await.unwrap(), Claim::New);
    work.execute(Statement::new("SELECT * FROM there_is_none")).await.unwrap_err();
    work.commit().await.unwrap();
    assert_eq!(store.result("a", "1").await.unwrap(), Some(None));
}

#[tokio::test]
async fn statements_are_portable() {
    let folder = Folder::temporary("sqlite");
    portable(&on_sqlite(&folder).await).await;
    portable(&on_postgres().await).await;
}

async fn migrates(open: impl AsyncFn() -> SqlStore) {
    let table = prefix();
    let create = format!("CREATE TABLE {table} (id BIGINT); INSERT INTO {table} VALUES (1)");
    let one = Migrations::new("orders").step(create);
    let two = one.clone().step(format!("INSERT INTO {table} VALUES (2)"));
    let (first, second) = (open().await, open().await);
    let before = [one.clone()];
    assert_eq!(first.missing(&before).await.unwrap(), 4);
    // At once, as processes do that start together.
    let both = tokio::join!(first.migrate(&before), second.migrate(&before));
    let now = |applied: Vec<swit::stores::Applied>| applied.iter().map(|applied| applied.now).sum::<usize>();
    assert_eq!(now(both.0.unwrap()) + now(both.1.unwrap()), 4, "each step once");
    assert_eq!(
        (first.missing(&before).await.unwrap(), first.missing(std::slice::from_ref(&two)).await.unwrap()),
        (0, 1)
    );
    first.migrate(std::slice::from_ref(&two)).await.unwrap();
    let mut work = first.begin().await.unwrap();
    let read = format!("SELECT count(*) FROM {table}");
    assert_eq!(work.fetch(Statement::new(&read)).await.unwrap()[0].integer(0).unwrap(), 2);
    drop(work);
    let older = second.migrate(&before).await.unwrap_err();
    assert!(older.to_string().contains("2 migrations of `orders`, this program knows 1"), "{older}");
    // A step that fails leaves nothing, and those before it stay.
    let three =
        two.step(format!("INSERT INTO {table} VALUES (3)")).step(format!("INSERT INTO {table} VALUES (4); NONSENSE"));
    first.migrate(std::slice::from_ref(&three)).await.unwrap_err();
    let mut work = first.begin().await.unwrap();
    assert_eq!(work.fetch(Statement::new(&read)).await.unwrap()[0].integer(0).unwrap(), 3);
    drop(work);
    assert_eq!(first.missing(&[three]).await.unwrap(), 1);
}

#[tokio::test]
async fn tables_come_to_be_step_by_step() {
    let folder = Folder::temporary("sqlite");
    let (own, path) = (prefix(), folder.path().join("m.db"));
    migrates(async || SqliteOptions::file(&path).prefix(own.clone()).open().await.unwrap()).await;
    let own = prefix();
    migrates(async || PostgresOptions::url(&postgres().url()).unwrap().prefix(own.clone()).open().await.unwrap()).await;
}
