//! The books: which lines are in, and what became of each. Read from the database, so that a second start has the sums of the
//! first one in them.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use swit::{Database, Statement, StoreError, SubscriberStats, Tx, store::Row};
use swit_orders::summary::{Quantiles, Subscriber, Summary, rounded};

use super::events::{LineRef, OrderPlaced};

/// Lines that a summary names at most.
const NAMED: i64 = 10;

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The order went through.
    Completed,
    /// It was decided against, and what was done is undone.
    Rejected(&'static str),
    /// It is no order, or could not be gone on with, and what was done is undone.
    DeadLettered(String),
    /// A valid line before it had the same order id.
    Duplicate,
}

impl Outcome {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Rejected(_) => "rejected",
            Self::DeadLettered(_) => "dead_lettered",
            Self::Duplicate => "duplicate",
        }
    }

    /// Why, where it did not go through.
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Completed | Self::Duplicate => None,
            Self::Rejected(reason) => Some(reason),
            Self::DeadLettered(reason) => Some(reason),
        }
    }
}

/// Writes down what became of an order, in the transaction that ends it.
pub(crate) async fn close(
    tx: &mut Tx,
    placed: &OrderPlaced,
    outcome: &Outcome,
    error: Option<&str>,
) -> Result<(), StoreError> {
    write(tx, &placed.line, outcome, error, Some(placed)).await
}

/// Writes down what became of a line that is no order of its own.
pub(crate) async fn turn_away(
    tx: &mut Tx,
    line: &LineRef,
    outcome: &Outcome,
    error: Option<&str>,
) -> Result<(), StoreError> {
    write(tx, line, outcome, error, None).await
}

async fn write(
    tx: &mut Tx,
    line: &LineRef,
    outcome: &Outcome,
    error: Option<&str>,
    placed: Option<&OrderPlaced>,
) -> Result<(), StoreError> {
    let insert = "INSERT INTO outcome (input, number, outcome, reason, error, order_id, type, region, ended_at)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    // PostgreSQL's texts hold no NUL, which an error may quote.
    let error = error.map(|text| text.replace('\0', "\u{fffd}"));
    let labels = placed.map(|placed| placed.labels);
    let row = Statement::new(insert).bind(&line.input).bind(line.number).bind(outcome.as_str());
    let row = row.bind(outcome.reason()).bind(error).bind(placed.map(|placed| placed.order.as_str()));
    let row = row.bind(labels.map(|labels| labels.order_type.as_str()));
    let row = row.bind(labels.map(|labels| labels.region.as_str())).bind(now());
    tx.execute(row).await.map(drop)
}

/// Microseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The books of one input.
#[derive(Debug, Clone)]
pub(crate) struct Books {
    database: Database,
    input: String,
}

/// How much of an input is in, and how much of that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Progress {
    pub(crate) read: u64,
    pub(crate) ended: u64,
}

/// What a process knows besides.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) stats: Vec<SubscriberStats>,
    /// How often the payment partner was asked again.
    pub(crate) asked_again: u64,
    /// Lines that were in before.
    pub(crate) before: u64,
    pub(crate) elapsed: Duration,
    pub(crate) stopped: bool,
}

impl Books {
    pub(crate) fn new(database: Database, input: String) -> Self {
        Self { database, input }
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// The line of this number.
    pub(crate) fn line(&self, number: u64) -> LineRef {
        LineRef { input: self.input.clone(), number: i64::try_from(number).unwrap_or(i64::MAX) }
    }

    /// The last line that is in; 0: none is.
    pub(crate) async fn last(&self) -> Result<u64, StoreError> {
        let rows = self.read("SELECT coalesce(max(number), 0) FROM line WHERE input = $1").await?;
        first(&rows)
    }

    pub(crate) async fn progress(&self) -> Result<Progress, StoreError> {
        let counts =
            "SELECT (SELECT count(*) FROM line WHERE input = $1), (SELECT count(*) FROM outcome WHERE input = $1)";
        let rows = self.read(counts).await?;
        let Some(row) = rows.first() else { return Ok(Progress::default()) };
        Ok(Progress { read: number(row, 0)?, ended: number(row, 1)? })
    }

    async fn read(&self, query: &'static str) -> Result<Vec<Row>, StoreError> {
        self.fetch(Statement::new(query).bind(&self.input)).await
    }

    async fn fetch(&self, statement: Statement<'_>) -> Result<Vec<Row>, StoreError> {
        // Dropped, which rolls nothing back.
        self.database.begin().await?.fetch(statement).await
    }

    /// What became of all lines that are in.
    pub(crate) async fn summary(&self, run: Run) -> Result<Summary, StoreError> {
        let Progress { read, ended } = self.progress().await?;
        let sums = "SELECT outcome, coalesce(reason, ''), count(*) FROM outcome WHERE input = $1 GROUP BY 1, 2";
        let (mut completed, mut duplicates) = (0, 0);
        let mut rejected_by_reason: BTreeMap<String, u64> =
            ["out_of_stock", "payment_declined"].map(|reason| (reason.to_owned(), 0)).into();
        let mut dead_lettered = BTreeMap::new();
        for row in self.read(sums).await? {
            let (reason, count) = (row.text(1)?.to_string(), number(&row, 2)?);
            match row.text(0)?.as_str() {
                "completed" => completed = count,
                "duplicate" => duplicates = count,
                "rejected" => *rejected_by_reason.entry(reason).or_default() = count,
                _ => *dead_lettered.entry(reason).or_default() = count,
            }
        }
        let (unaccounted, unaccounted_lines) = self
            .named(
                "SELECT number FROM line WHERE input = $1 AND NOT EXISTS
                 (SELECT 1 FROM outcome WHERE outcome.input = line.input AND outcome.number = line.number)",
            )
            .await?;
        let (contradictory, contradictory_lines) =
            self.named("SELECT number FROM outcome WHERE input = $1 GROUP BY number HAVING count(*) > 1").await?;
        let subscribers: Vec<Subscriber> = run.stats.iter().map(Subscriber::of).collect();
        let retries = subscribers.iter().map(|subscriber| subscriber.retries).sum::<u64>() + run.asked_again;
        let seconds = run.elapsed.as_secs_f64();
        let taken = read.saturating_sub(run.before);
        Ok(Summary {
            read,
            completed,
            rejected: rejected_by_reason.values().sum(),
            rejected_by_reason,
            dead_lettered,
            duplicates,
            retries,
            orders_by_type: self
                .by("SELECT type, count(*) FROM outcome WHERE input = $1 AND type IS NOT NULL GROUP BY 1")
                .await?,
            orders_by_region: self
                .by("SELECT region, count(*) FROM outcome WHERE input = $1 AND region IS NOT NULL GROUP BY 1")
                .await?,
            elapsed_seconds: rounded(seconds),
            lines_per_second: if seconds > 0.0 { (taken as f64 / seconds).round() } else { 0.0 },
            latency_ms: self.latency(ended).await?,
            subscribers,
            stopped: run.stopped,
            balanced: unaccounted == 0 && contradictory == 0 && read == ended,
            unaccounted,
            unaccounted_lines,
            contradictory,
            contradictory_lines,
        })
    }

    /// How many lines a query finds, and the first of them.
    async fn named(&self, query: &str) -> Result<(usize, Vec<u64>), StoreError> {
        let count = format!("SELECT count(*) FROM ({query}) found");
        let count: u64 = first(&self.fetch(Statement::new(&count).bind(&self.input)).await?)?;
        let some = format!("{query} ORDER BY number LIMIT {NAMED}");
        let rows = self.fetch(Statement::new(&some).bind(&self.input)).await?;
        let lines = rows.iter().map(|row| number(row, 0)).collect::<Result<_, _>>()?;
        Ok((usize::try_from(count).unwrap_or(usize::MAX), lines))
    }

    async fn by(&self, query: &'static str) -> Result<BTreeMap<String, u64>, StoreError> {
        let rows = self.read(query).await?;
        rows.iter().map(|row| Ok((row.text(0)?.to_string(), number(row, 1)?))).collect()
    }

    /// From being read to the outcome, over a kill and a second start.
    async fn latency(&self, ended: u64) -> Result<Quantiles, StoreError> {
        let nth = "SELECT outcome.ended_at - line.read_at FROM outcome, line
                   WHERE outcome.input = $1 AND line.input = outcome.input AND line.number = outcome.number
                   ORDER BY 1 LIMIT 1 OFFSET $2";
        let mut found = [Duration::ZERO; 2];
        for (found, share) in found.iter_mut().zip([50, 99]) {
            let place = i64::try_from(ended.saturating_sub(1) * share / 100).unwrap_or(i64::MAX);
            let rows = self.fetch(Statement::new(nth).bind(&self.input).bind(place)).await?;
            *found = Duration::from_micros(first(&rows)?);
        }
        Ok(Quantiles::of(|share| found[usize::from(share > 0.5)]))
    }
}

/// The number that a query found; 0: it found no row.
fn first(rows: &[Row]) -> Result<u64, StoreError> {
    rows.first().map_or(Ok(0), |row| number(row, 0))
}

/// A number that is not negative.
fn number(row: &Row, column: usize) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.integer(column)?).unwrap_or(0))
}
