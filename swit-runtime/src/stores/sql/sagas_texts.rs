//! The statements about sagas, and their tables.
//!
//! Rows of finished instances lie in no index but the primary key and the one that they are forgotten by, so that they cost
//! nothing until then. What changes with each step (`state`, `revision`, `journal`) lies in none at all.

use super::texts::TablePrefix;
use crate::store::SagaFilter;

/// An instance, as it is read.
pub(super) const COLUMNS: &str = "saga, key, id, version, revision, state, owner, waits, due, parked, wish, opening, journal, \
                                  started_at, updated_at";

/// What makes an instance one that can be claimed: word for word the condition of an index.
const CLAIMABLE: &str = "due IS NOT NULL AND owner = '' AND parked IS NULL";

/// The tables. `text` is the type of what rows are ordered by, `grows` how a table is made whose rows grow.
pub(super) fn tables(p: &str, text: &str, bytes: &str, grows: &str) -> String {
    format!(
        "CREATE TABLE {p}saga (saga {text} NOT NULL, key {text} NOT NULL, id TEXT NOT NULL, version BIGINT NOT NULL, \
         revision BIGINT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL, waits TEXT, due BIGINT, parked TEXT, wish TEXT, \
         opening TEXT NOT NULL, journal TEXT NOT NULL, started_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, \
         finished_at BIGINT, PRIMARY KEY (saga, key)){grows}; \
         CREATE INDEX {p}saga_due ON {p}saga (saga, due) WHERE {CLAIMABLE}; \
         CREATE INDEX {p}saga_owner ON {p}saga (owner) WHERE owner <> ''; \
         CREATE INDEX {p}saga_finished_at ON {p}saga (finished_at) WHERE finished_at IS NOT NULL; \
         CREATE INDEX {p}saga_unfinished ON {p}saga (saga, key) WHERE finished_at IS NULL; \
         CREATE INDEX {p}saga_parked ON {p}saga (saga, key) WHERE parked IS NOT NULL; \
         CREATE TABLE {p}saga_mail (saga {text} NOT NULL, key {text} NOT NULL, step TEXT NOT NULL, envelope TEXT NOT NULL, \
         payload {bytes} NOT NULL, received_at BIGINT NOT NULL, PRIMARY KEY (saga, key, step), \
         FOREIGN KEY (saga, key) REFERENCES {p}saga ON DELETE CASCADE); \
         CREATE TABLE {p}saga_member (member TEXT PRIMARY KEY, beat BIGINT NOT NULL); \
         CREATE TABLE {p}saga_state (kind TEXT NOT NULL, key TEXT NOT NULL, version BIGINT NOT NULL, body {bytes} NOT NULL, \
         updated_at BIGINT NOT NULL, PRIMARY KEY (kind, key))"
    )
}

/// The statements.
#[derive(Debug)]
pub(super) struct SagaTexts {
    prefix: TablePrefix,
    pub(super) start: String,
    pub(super) save: String,
    pub(super) wake: String,
    pub(super) load: String,
    pub(super) owned: String,
    pub(super) orphan: String,
    pub(super) wish: String,
    pub(super) finished_state: String,
    pub(super) resume: String,
    pub(super) lock: String,
    pub(super) deliver: String,
    pub(super) mail: String,
    pub(super) has_mail: String,
    pub(super) forget: String,
    pub(super) counts: String,
    pub(super) beat: String,
    pub(super) members: String,
    pub(super) leave: String,
    pub(super) state: String,
    pub(super) insert_state: String,
    pub(super) update_state: String,
    pub(super) delete_state: String,
}

impl SagaTexts {
    pub(super) fn new(prefix: TablePrefix) -> Self {
        let p = &prefix;
        let of_key = "WHERE saga = $1 AND key = $2";
        let of_mail = format!("FROM {p}saga_mail WHERE saga = $1 AND key = $2 AND step = $3");
        Self {
            start: format!(
                "INSERT INTO {p}saga (saga, key, id, version, revision, state, owner, waits, due, parked, opening, journal, \
                 started_at, updated_at, finished_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (saga, key) DO NOTHING"
            ),
            save: format!(
                "UPDATE {p}saga SET revision = revision + 1, version = $5, state = $6, owner = $7, waits = $8, \
                 due = CASE WHEN wish IS NOT NULL AND $7 = '' AND $6 IN ('pending', 'step_completed') THEN 0 ELSE $9 END, \
                 parked = $10, journal = $11, updated_at = $12, finished_at = $13 \
                 {of_key} AND revision = $3 AND owner = $4 RETURNING wish"
            ),
            // A statement of its own, so that it sees what was committed before the row was locked.
            wake: format!(
                "UPDATE {p}saga SET due = CASE WHEN owner = '' THEN $4 ELSE due END {of_key} AND EXISTS (SELECT 1 {of_mail})"
            ),
            load: format!("SELECT {COLUMNS} FROM {p}saga {of_key}"),
            owned: format!(
                "SELECT {COLUMNS} FROM {p}saga WHERE owner = $1 AND owner <> '' ORDER BY saga, key LIMIT $2"
            ),
            orphan: format!(
                "UPDATE {p}saga SET owner = '', due = $2, revision = revision + 1 WHERE owner = $1 AND owner <> '' \
                 AND ($3 < 0 OR COALESCE((SELECT beat FROM {p}saga_member WHERE member = $1), 0) = $3)"
            ),
            wish: format!(
                "UPDATE {p}saga SET wish = COALESCE(wish, $3), parked = NULL, \
                 due = CASE WHEN owner = '' THEN $4 ELSE due END {of_key} AND finished_at IS NULL RETURNING state"
            ),
            finished_state: format!("SELECT state FROM {p}saga {of_key} AND finished_at IS NOT NULL"),
            resume: format!("UPDATE {p}saga SET parked = NULL, due = $3 {of_key} AND parked IS NOT NULL"),
            lock: format!(
                "UPDATE {p}saga SET due = CASE WHEN waits = $3 AND owner = '' AND finished_at IS NULL THEN $4 ELSE due END \
                 {of_key} RETURNING state, waits, owner"
            ),
            deliver: format!(
                "INSERT INTO {p}saga_mail (saga, key, step, envelope, payload, received_at) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (saga, key, step) DO NOTHING"
            ),
            mail: format!("SELECT envelope, payload {of_mail}"),
            has_mail: format!("SELECT 1 {of_mail}"),
            forget: format!(
                "DELETE FROM {p}saga WHERE (saga, key) IN (SELECT saga, key FROM {p}saga \
                 WHERE finished_at IS NOT NULL AND finished_at < $1 ORDER BY finished_at LIMIT $2)"
            ),
            counts: format!(
                "SELECT saga, state, CASE WHEN parked IS NULL THEN 0 ELSE 1 END, count(*) FROM {p}saga \
                 WHERE finished_at IS NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
            ),
            beat: format!(
                "INSERT INTO {p}saga_member (member, beat) VALUES ($1, 1) \
                 ON CONFLICT (member) DO UPDATE SET beat = {p}saga_member.beat + 1"
            ),
            // From owner to owner by their index, however many rows each has.
            members: format!(
                "WITH RECURSIVE owners (name) AS (SELECT min(owner) FROM {p}saga WHERE owner <> '' UNION ALL \
                 SELECT (SELECT min(owner) FROM {p}saga WHERE owner <> '' AND owner > name) FROM owners WHERE name IS NOT NULL) \
                 SELECT member, beat FROM {p}saga_member UNION ALL \
                 SELECT name, 0 FROM owners WHERE name IS NOT NULL AND name NOT IN (SELECT member FROM {p}saga_member)"
            ),
            leave: format!("DELETE FROM {p}saga_member WHERE member = $1"),
            state: format!("SELECT version, body FROM {p}saga_state WHERE kind = $1 AND key = $2"),
            insert_state: format!(
                "INSERT INTO {p}saga_state (kind, key, version, body, updated_at) VALUES ($1, $2, 1, $3, $4) \
                 ON CONFLICT (kind, key) DO NOTHING"
            ),
            update_state: format!(
                "UPDATE {p}saga_state SET version = version + 1, body = $4, updated_at = $5 \
                 WHERE kind = $1 AND key = $2 AND version = $3"
            ),
            delete_state: format!("DELETE FROM {p}saga_state WHERE kind = $1 AND key = $2 AND version = $3"),
            prefix,
        }
    }

    /// Claims for `$1` what is due at `$2`, at most `$3`, of so many sagas: `$4`, `$5` and so on. Rows that another
    /// claims meanwhile are passed by where there is a way to say so.
    pub(super) fn claim(&self, sagas: usize, passes_by: bool) -> String {
        let (p, of) = (&self.prefix, one_of(sagas, 4));
        let locked = if passes_by { " FOR UPDATE SKIP LOCKED" } else { "" };
        format!(
            "WITH first (of_saga, of_key) AS MATERIALIZED (SELECT saga, key FROM {p}saga \
             WHERE {CLAIMABLE} AND due <= $2 AND {of} ORDER BY due LIMIT $3{locked}) \
             UPDATE {p}saga SET owner = $1, due = NULL, revision = revision + 1 FROM first \
             WHERE saga = of_saga AND key = of_key RETURNING {COLUMNS}"
        )
    }

    /// When the first of so many sagas is due: `$1`, `$2` and so on.
    pub(super) fn next_due(&self, sagas: usize) -> String {
        let p = &self.prefix;
        // Of each by itself, so that no backlog of one is read for another.
        let first = |saga: usize| {
            format!(
                "SELECT due FROM (SELECT due FROM {p}saga WHERE {CLAIMABLE} AND saga = ${saga} ORDER BY due LIMIT 1) AS of_{saga}"
            )
        };
        let firsts: Vec<String> = (1..=sagas).map(first).collect();
        format!("SELECT due FROM ({}) AS firsts ORDER BY due LIMIT 1", firsts.join(" UNION ALL "))
    }

    /// The first `$1` instances; behind `$2` and `$3`, if so; then what the filter says, in its order.
    pub(super) fn list(&self, filter: &SagaFilter, is_behind: bool) -> String {
        let (p, mut conditions) = (&self.prefix, Vec::new());
        let mut next = if is_behind { 4 } else { 2 };
        if is_behind {
            conditions.push("(saga, key) > ($2, $3)".to_owned());
        }
        for (column, is_asked) in [("saga", filter.saga.is_some()), ("state", filter.state.is_some())] {
            if is_asked {
                conditions.push(format!("{column} = ${next}"));
                next += 1;
            }
        }
        if filter.parked {
            conditions.push("parked IS NOT NULL".to_owned());
        }
        if filter.state.is_some_and(|state| !state.is_finished()) {
            conditions.push("finished_at IS NULL".to_owned());
        }
        let conditions =
            if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        format!("SELECT {COLUMNS} FROM {p}saga{conditions} ORDER BY saga, key LIMIT $1")
    }
}

/// Whether a row is of one of so many sagas.
fn one_of(sagas: usize, first: usize) -> String {
    let values: Vec<String> = (first..first + sagas).map(|value| format!("${value}")).collect();
    match values.as_slice() {
        [one] => format!("saga = {one}"),
        more => format!("saga IN ({})", more.join(", ")),
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use super::*;
    use crate::{
        store::{SagaState, Store, Value},
        stores::{SqlStore, SqliteOptions, sql::session::Said},
    };

    /// How SQLite does it.
    async fn plan(store: &SqlStore, text: &str, values: usize) -> String {
        let values = vec![Value::from("1"); values];
        let rows = store.0.fetch(Said::once(&format!("EXPLAIN QUERY PLAN {text}"), &values), false).await.unwrap();
        rows.iter().map(|row| row.text(3).unwrap().to_string()).collect::<Vec<_>>().join("; ")
    }

    #[tokio::test]
    async fn what_goes_on_does_not_look_at_what_is_over() {
        let path = std::env::temp_dir().join(format!("swit-saga-plans-{}.db", std::process::id()));
        let store = SqliteOptions::file(&path).open().await.unwrap();
        store.migrate(&[]).await.unwrap();
        let texts = &store.0.texts.sagas;
        let (running, parked) = (
            SagaFilter { state: Some(SagaState::Running), ..SagaFilter::default() },
            SagaFilter { parked: true, ..SagaFilter::default() },
        );
        let mut wrong = Vec::new();
        let by = |index: &str| format!("swit_saga USING INDEX swit_saga_{index}");
        for (text, values, wanted) in [
            (&texts.claim(1, false), 4, by("due (saga=? AND due>? AND due<?)")),
            (&texts.claim(2, false), 5, by("due (saga=? AND due>? AND due<?)")),
            (&texts.next_due(2), 2, by("due (saga=? AND due>?)")),
            (&texts.owned, 2, by("owner (owner=?)")),
            (&texts.orphan, 3, "swit_saga USING COVERING INDEX swit_saga_owner (owner=?)".to_owned()),
            (&texts.counts, 0, by("unfinished")),
            (&texts.members, 0, "swit_saga USING COVERING INDEX swit_saga_owner".to_owned()),
            (&texts.forget, 2, by("finished_at (finished_at>? AND finished_at<?)")),
            (&texts.list(&running, false), 2, by("unfinished")),
            (&texts.list(&parked, false), 1, by("parked")),
            (&texts.save, 13, "swit_saga USING INDEX sqlite_autoindex_swit_saga_1 (saga=? AND key=?)".to_owned()),
        ] {
            let plan = plan(&store, text, values).await;
            if !plan.contains(&wanted) {
                wrong.push(format!("{text}: `{plan}` does not contain `{wanted}`"));
            }
        }
        store.close().await;
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
