//! The log of decisions in SQL.
//!
//! Its statements are put together when they are needed: there are a few a transaction, and each waits for the disk.

use std::{fmt::Write as _, time::SystemTime};

use bytes::Bytes;

use super::{
    SqlStore,
    envelope::{self, micros, time},
    session::Said,
    work::Open,
};
use crate::{
    store::{Decision, Decisions, Enlisted, Enrolled, Entry, Row, StoreError, Value},
    text::Text,
    transport::BoxFuture,
};

const READING: &str = "reading the log of decisions";
const BEGINNING: &str = "beginning a transaction of several participants";
const HOLDING: &str = "holding publications";
const RELEASING: &str = "releasing publications";

impl SqlStore {
    /// The entries that a condition on the table `d` is true of, in order.
    async fn entries(&self, condition: &str, values: &[Value]) -> Result<Vec<Entry>, StoreError> {
        let p = &self.0.texts.prefix;
        let text = format!(
            "SELECT d.id, d.coordinator, d.begun_at, d.deadline, d.decision, m.name, m.done FROM {p}decision d \
             JOIN {p}decision_participant m ON m.id = d.id WHERE {condition} ORDER BY d.id, m.place"
        );
        // Where it is written: what one process just wrote is seen.
        let rows = self.0.fetch(Said::new(&text, values), true).await?;
        let mut entries: Vec<Entry> = Vec::new();
        for row in &rows {
            let enrolled = Enrolled { name: row.text(5)?, done: row.integer(6)? != 0 };
            let id = row.text(0)?;
            match entries.last_mut().filter(|last| last.id == id) {
                Some(last) => last.participants.push(enrolled),
                None => entries.push(Entry {
                    id,
                    coordinator: row.text(1)?,
                    begun: time(row.integer(2)?),
                    deadline: time(row.integer(3)?),
                    decision: row.optional_text(4)?.map(|word| decision(&word)).transpose()?,
                    participants: vec![enrolled],
                }),
            }
        }
        Ok(entries)
    }

    /// Locks the row of a participant until the transaction ends. Says whether it is there, and in the state that is asked
    /// for.
    async fn lock_participant(
        &self,
        open: &mut Open,
        set: &str,
        values: &[Value],
        doing: &'static str,
    ) -> Result<bool, StoreError> {
        let p = &self.0.texts.prefix;
        let text = format!("UPDATE {p}decision_participant SET {set}");
        Ok(open.execute(Said::new(&text, values), doing).await? == 1)
    }
}

fn decision(word: &str) -> Result<Decision, StoreError> {
    match word {
        "committed" => Ok(Decision::Committed),
        "aborted" => Ok(Decision::Aborted),
        other => Err(StoreError::Refused { doing: READING, source: format!("`{other}` is no decision").into() }),
    }
}

fn of(id: &str, participant: &str) -> [Value; 2] {
    [Value::from(id), Value::from(participant)]
}

impl Decisions for SqlStore {
    fn log_name(&self) -> BoxFuture<'_, Result<Text, StoreError>> {
        Box::pin(async {
            let text = format!("SELECT name FROM {}decision_log", self.0.texts.prefix);
            let rows = self.0.fetch(Said::once(&text, &[]), false).await?;
            let missing = || StoreError::Refused { doing: READING, source: "the log has no name".into() };
            rows.first().map(|row: &Row| row.text(0)).transpose()?.ok_or_else(missing)
        })
    }

    fn enter<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let p = &self.0.texts.prefix;
            let mut open = self.0.begin().await?;
            let text = format!("INSERT INTO {p}decision (id, coordinator, begun_at, deadline) VALUES ($1, $2, $3, $4)");
            let values = [
                Value::from(&entry.id),
                Value::from(&entry.coordinator),
                Value::from(micros(entry.begun)),
                Value::from(micros(entry.deadline)),
            ];
            open.execute(Said::new(&text, &values), BEGINNING).await?;
            let mut text = format!("INSERT INTO {p}decision_participant (id, name, place) VALUES ");
            let mut values = vec![Value::from(&entry.id)];
            for (place, participant) in entry.participants.iter().enumerate() {
                let comma = if place == 0 { "" } else { ", " };
                // Writing to a `String` can't fail.
                let _ = write!(text, "{comma}($1, ${}, {place})", place + 2);
                values.push(Value::from(&participant.name));
            }
            open.execute(Said::new(&text, &values), BEGINNING).await?;
            open.commit().await
        })
    }

    fn decide<'a>(&'a self, id: &'a str, wanted: Decision) -> BoxFuture<'a, Result<Decision, StoreError>> {
        Box::pin(async move {
            let p = &self.0.texts.prefix;
            let text = format!("UPDATE {p}decision SET decision = $2 WHERE id = $1 AND decision IS NULL");
            let values = [Value::from(id), Value::from(wanted.as_str())];
            if self.0.execute(Said::new(&text, &values), "writing a decision").await? == 1 {
                return Ok(wanted);
            }
            let text = format!("SELECT decision FROM {p}decision WHERE id = $1");
            let rows = self.0.fetch(Said::new(&text, &[Value::from(id)]), true).await?;
            rows.first().map_or(Ok(Decision::Aborted), |row| decision(&row.text(0)?))
        })
    }

    fn done<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let text =
                format!("UPDATE {}decision_participant SET done = 1 WHERE id = $1 AND name = $2", self.0.texts.prefix);
            self.0.execute(Said::new(&text, &of(id, participant)), "noting what a participant did").await?;
            Ok(())
        })
    }

    fn erase<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let text = format!("DELETE FROM {}decision WHERE id = $1", self.0.texts.prefix);
            self.0.execute(Said::new(&text, &[Value::from(id)]), "forgetting a transaction that is over").await?;
            Ok(())
        })
    }

    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move { Ok(self.entries("d.id = $1", &[Value::from(id)]).await?.pop()) })
    }

    fn unfinished<'a>(&'a self, behind: &'a str, limit: u32) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        Box::pin(async move {
            let p = &self.0.texts.prefix;
            let condition = format!("d.id IN (SELECT id FROM {p}decision WHERE id > $1 ORDER BY id LIMIT $2)");
            self.entries(&condition, &[Value::from(behind), Value::from(limit)]).await
        })
    }

    fn note<'a>(&'a self, id: &'a str, participant: &'a str, note: Bytes) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let text =
                format!("UPDATE {}decision_participant SET note = $3 WHERE id = $1 AND name = $2", self.0.texts.prefix);
            let values = [Value::from(id), Value::from(participant), Value::from(note.to_vec())];
            match self.0.execute(Said::new(&text, &values), "keeping a participant's note").await? {
                0 => Err(StoreError::NoTransaction { id: id.into() }),
                _ => Ok(()),
            }
        })
    }

    fn noted<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            let p = &self.0.texts.prefix;
            let text = format!("SELECT note FROM {p}decision_participant WHERE id = $1 AND name = $2");
            let rows = self.0.fetch(Said::new(&text, &of(id, participant)), true).await?;
            let note = rows.first().map(|row| row.optional_bytes(0)).transpose()?;
            Ok(note.flatten().map(Bytes::from))
        })
    }

    fn hold<'a>(
        &'a self,
        id: &'a str,
        participant: &'a str,
        publications: &'a [Enlisted],
        now: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let p = &self.0.texts.prefix;
            let mut open = self.0.begin().await?;
            let set = "done = done WHERE id = $1 AND name = $2";
            if !self.lock_participant(&mut open, set, &of(id, participant), HOLDING).await? {
                return Err(StoreError::NoTransaction { id: id.into() });
            }
            let text = format!(
                "INSERT INTO {p}decision_held (id, name, part, transport, envelope, payload, stored_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)"
            );
            for publication in publications {
                let [id, participant] = of(id, participant);
                let values = [
                    id,
                    participant,
                    Value::from(publication.partition()),
                    Value::from(&publication.transport),
                    Value::from(envelope::write(publication)),
                    Value::from(publication.message.payload.to_vec()),
                    Value::from(micros(now)),
                ];
                open.execute(Said::new(&text, &values), HOLDING).await?;
            }
            open.commit().await
        })
    }

    fn release<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let p = &self.0.texts.prefix;
            let (mut open, values) = (self.0.begin().await?, of(id, participant));
            // Whoever comes second waits here, and finds that it is done.
            let set = "done = 1 WHERE id = $1 AND name = $2 AND done = 0";
            if !self.lock_participant(&mut open, set, &values, RELEASING).await? {
                return Ok(0);
            }
            let text = format!(
                "INSERT INTO {p}outbox (part, transport, envelope, payload, stored_at) \
                 SELECT part, transport, envelope, payload, stored_at FROM {p}decision_held \
                 WHERE id = $1 AND name = $2 ORDER BY row_number"
            );
            let released = open.execute(Said::new(&text, &values), RELEASING).await?;
            let text = format!("DELETE FROM {p}decision_held WHERE id = $1 AND name = $2");
            open.execute(Said::new(&text, &values), RELEASING).await?;
            if self.0.tells && released > 0 {
                let text = format!("SELECT pg_notify('{p}outbox', '')");
                open.execute(Said::new(&text, &[]), RELEASING).await?;
            }
            open.commit().await?;
            if released > 0 {
                self.0.committed.notify_one();
            }
            Ok(released)
        })
    }

    fn discard<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let text = format!("DELETE FROM {}decision_held WHERE id = $1 AND name = $2", self.0.texts.prefix);
            self.0.execute(Said::new(&text, &of(id, participant)), "discarding held publications").await?;
            Ok(())
        })
    }
}
