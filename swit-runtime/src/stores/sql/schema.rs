//! The tables, step by step: what was applied is noted, and what is missing is applied in order.
//!
//! A step is applied in one transaction with its note, while nobody else applies any. Users' own steps lie beside swit's,
//! under a name of their own.

use super::{SqlStore, envelope::micros, sagas_texts::tables, session::Said, store::Pools, work::Open};
use crate::store::{Migrations, StoreError, Value};

/// swit's own.
fn own(prefix: &str) -> Migrations {
    let p = prefix;
    Migrations::new("swit").step_for(
        format!(
            "CREATE TABLE {p}inbox (claimant TEXT NOT NULL, message TEXT NOT NULL, handled_at INTEGER NOT NULL, \
             result BLOB, PRIMARY KEY (claimant, message)) WITHOUT ROWID; \
             CREATE INDEX {p}inbox_handled_at ON {p}inbox (handled_at); \
             CREATE TABLE {p}outbox (row_number INTEGER PRIMARY KEY AUTOINCREMENT, part INTEGER NOT NULL, \
             transport TEXT NOT NULL, envelope TEXT NOT NULL, payload BLOB NOT NULL, stored_at INTEGER NOT NULL, parked_at INTEGER, error TEXT); \
             CREATE INDEX {p}outbox_pending ON {p}outbox (transport, row_number) WHERE parked_at IS NULL; \
         CREATE INDEX {p}outbox_parked ON {p}outbox (row_number) WHERE parked_at IS NOT NULL; \
             CREATE TABLE {p}relay (relay TEXT PRIMARY KEY, beat INTEGER NOT NULL); \
             CREATE TABLE {p}partition (part INTEGER PRIMARY KEY, relay TEXT NOT NULL); \
             CREATE TABLE {p}job (name TEXT PRIMARY KEY, begun_at INTEGER NOT NULL); \
             WITH RECURSIVE parts (part) AS (SELECT 0 UNION ALL SELECT part + 1 FROM parts WHERE part < 15) \
             INSERT INTO {p}partition SELECT part, '' FROM parts"
        ),
        format!(
            "CREATE TABLE {p}inbox (claimant TEXT NOT NULL, message TEXT NOT NULL, handled_at BIGINT NOT NULL, \
             result BYTEA, PRIMARY KEY (claimant, message)); \
             CREATE INDEX {p}inbox_handled_at ON {p}inbox (handled_at); \
             CREATE TABLE {p}outbox (row_number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, part SMALLINT NOT NULL, \
             transport TEXT NOT NULL, envelope TEXT NOT NULL, payload BYTEA NOT NULL, stored_at BIGINT NOT NULL, parked_at BIGINT, error TEXT); \
             CREATE INDEX {p}outbox_pending ON {p}outbox (transport, row_number) WHERE parked_at IS NULL; \
         CREATE INDEX {p}outbox_parked ON {p}outbox (row_number) WHERE parked_at IS NOT NULL; \
             CREATE TABLE {p}relay (relay TEXT PRIMARY KEY, beat BIGINT NOT NULL); \
             CREATE TABLE {p}partition (part SMALLINT PRIMARY KEY, relay TEXT NOT NULL); \
             CREATE TABLE {p}job (name TEXT PRIMARY KEY, begun_at BIGINT NOT NULL); \
             INSERT INTO {p}partition SELECT part, '' FROM generate_series(0, 15) AS parts (part)"
        ),
    )
    .step_for(decisions(p, "INTEGER PRIMARY KEY AUTOINCREMENT", "BLOB", "lower(hex(randomblob(8)))"), {
        let number = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY";
        decisions(p, number, "BYTEA", "substr(replace(gen_random_uuid()::text, '-', ''), 17)")
    })
    // Room in each page for the next version of a row, which then needs no new entry in any index.
    .step_for(tables(p, "TEXT", "BLOB", ""), tables(p, "TEXT COLLATE \"C\"", "BYTEA", " WITH (fillfactor = 70)"))
}

/// What two-phase commit needs: the log of decisions, who takes part, and what is held until the decision.
fn decisions(p: &str, number: &str, bytes: &str, random: &str) -> String {
    format!(
        "CREATE TABLE {p}decision_log (name TEXT PRIMARY KEY); \
         INSERT INTO {p}decision_log (name) VALUES ({random}); \
         CREATE TABLE {p}decision (id TEXT PRIMARY KEY, coordinator TEXT NOT NULL, begun_at BIGINT NOT NULL, \
         deadline BIGINT NOT NULL, decision TEXT); \
         CREATE TABLE {p}decision_participant (id TEXT NOT NULL REFERENCES {p}decision ON DELETE CASCADE, \
         name TEXT NOT NULL, place INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0, note {bytes}, PRIMARY KEY (id, name)); \
         CREATE TABLE {p}decision_held (row_number {number}, id TEXT NOT NULL, name TEXT NOT NULL, part SMALLINT NOT NULL, \
         transport TEXT NOT NULL, envelope TEXT NOT NULL, payload {bytes} NOT NULL, stored_at BIGINT NOT NULL, \
         FOREIGN KEY (id, name) REFERENCES {p}decision_participant ON DELETE CASCADE); \
         CREATE INDEX {p}decision_held_of ON {p}decision_held (id, name)"
    )
}

/// What was applied of one owner's steps, and what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// Whose steps.
    pub owner: String,
    /// How many were applied, now or before.
    pub applied: usize,
    /// How many of them now.
    pub now: usize,
}

impl SqlStore {
    /// Applies what is missing of swit's own steps and of these. Several processes may do so at once.
    ///
    /// # Errors
    /// A step fails: those before it stay. The database has more steps than the program knows: it was written by a newer
    /// version.
    pub async fn migrate(&self, more: &[Migrations]) -> Result<Vec<Applied>, StoreError> {
        let ours = own(self.0.texts.prefix.as_str());
        let mut all = Vec::new();
        for migrations in std::iter::once(&ours).chain(more) {
            all.push(self.apply(migrations).await?);
        }
        Ok(all)
    }

    /// How many steps of swit's own, and of these, are missing.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate), but that nothing is applied.
    pub async fn missing(&self, more: &[Migrations]) -> Result<usize, StoreError> {
        let ours = own(self.0.texts.prefix.as_str());
        let mut missing = 0;
        for migrations in std::iter::once(&ours).chain(more) {
            let applied = if self.has_notes().await? { self.noted(migrations).await? } else { 0 };
            missing += known(migrations, applied)?;
        }
        Ok(missing)
    }

    async fn apply(&self, migrations: &Migrations) -> Result<Applied, StoreError> {
        let mut now = 0;
        loop {
            let mut open = self.0.begin().await?;
            self.lock(&mut open).await?;
            let applied = self.noted_in(&mut open, migrations).await?;
            if known(migrations, applied)? == 0 {
                open.commit().await?;
                return Ok(Applied { owner: migrations.owner().to_owned(), applied, now });
            }
            let step = migrations.at(applied);
            open.script(step).await?;
            let text =
                format!("INSERT INTO {}schema (owner, step, applied_at) VALUES ($1, $2, $3)", self.0.texts.prefix);
            let step = i64::try_from(applied).unwrap_or(i64::MAX);
            let at = micros(std::time::SystemTime::now());
            let values = [Value::from(migrations.owner()), Value::from(step), Value::from(at)];
            open.execute(Said::once(&text, &values), "noting a migration").await?;
            open.commit().await?;
            now += 1;
        }
    }

    /// Nobody else migrates. SQLite has one writer anyway.
    async fn lock(&self, open: &mut Open) -> Result<(), StoreError> {
        let p = &self.0.texts.prefix;
        let doing = "making room for migrations";
        #[cfg(feature = "postgres")]
        if matches!(open, Open::Postgres(_)) {
            // Until the transaction ends. The number is any, as long as it is this one in every version.
            let values = [Value::from(0x5357_4954_i64), Value::from(p.as_str())];
            let text = "SELECT pg_advisory_xact_lock($1 # hashtext($2))";
            open.execute(Said::once(text, &values), doing).await?;
        }
        let text = format!(
            "CREATE TABLE IF NOT EXISTS {p}schema (owner TEXT NOT NULL, step BIGINT NOT NULL, applied_at BIGINT NOT NULL, \
             PRIMARY KEY (owner, step))"
        );
        open.execute(Said::once(&text, &[]), doing).await?;
        Ok(())
    }

    async fn has_notes(&self) -> Result<bool, StoreError> {
        let name = format!("{}schema", self.0.texts.prefix);
        let text = match &self.0.pools {
            #[cfg(feature = "sqlite")]
            Pools::Sqlite { .. } => "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1",
            #[cfg(feature = "postgres")]
            Pools::Postgres(_) => "SELECT count(to_regclass($1))",
        };
        let rows = self.0.fetch(Said::once(text, &[Value::from(name)]), false).await?;
        Ok(rows.first().map(|row| row.integer(0)).transpose()?.unwrap_or_default() > 0)
    }

    async fn noted(&self, migrations: &Migrations) -> Result<usize, StoreError> {
        let (text, values) = self.count(migrations);
        first(&self.0.fetch(Said::once(&text, &values), false).await?)
    }

    async fn noted_in(&self, open: &mut Open, migrations: &Migrations) -> Result<usize, StoreError> {
        let (text, values) = self.count(migrations);
        first(&open.fetch(Said::once(&text, &values)).await?)
    }

    fn count(&self, migrations: &Migrations) -> (String, [Value; 1]) {
        let text = format!("SELECT count(*) FROM {}schema WHERE owner = $1", self.0.texts.prefix);
        (text, [Value::from(migrations.owner())])
    }
}

fn first(rows: &[crate::store::Row]) -> Result<usize, StoreError> {
    let number = rows.first().map(|row| row.integer(0)).transpose()?.unwrap_or_default();
    Ok(usize::try_from(number).unwrap_or_default())
}

/// How many are missing.
fn known(migrations: &Migrations, applied: usize) -> Result<usize, StoreError> {
    migrations.len().checked_sub(applied).ok_or_else(|| StoreError::NewerSchema {
        owner: migrations.owner().to_owned(),
        applied,
        known: migrations.len(),
    })
}
