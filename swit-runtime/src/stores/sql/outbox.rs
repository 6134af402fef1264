//! The outbox in SQL.

use std::time::SystemTime;

use super::{
    SqlStore,
    envelope::{self, micros, time},
    session::Said,
    store::Pools,
};
use crate::{
    store::{Depth, Look, Outbox, PARTITIONS, Parked, Partition, Row, Store, StoreError, Stored, Value},
    text::Text,
    transport::BoxFuture,
};

fn number(row: &Row, column: usize) -> Result<u16, StoreError> {
    let number = row.integer(column)?;
    u16::try_from(number).map_err(|_| StoreError::Unreadable { row: number, why: "it is no partition".to_owned() })
}

impl Outbox for SqlStore {
    fn partitions(&self) -> BoxFuture<'_, Result<Vec<Partition>, StoreError>> {
        Box::pin(async {
            let rows = self.0.fetch(Said::new(&self.0.texts.partitions, &[]), false).await?;
            let partition = |row: &Row| {
                Ok(Partition { number: number(row, 0)?, relay: row.text(1)?, beat: row.optional_integer(2)? })
            };
            rows.iter().map(partition).collect()
        })
    }

    fn take<'a>(&'a self, seen: &'a [Partition], relay: &'a str) -> BoxFuture<'a, Result<Vec<u16>, StoreError>> {
        Box::pin(async move {
            let (free, owned): (Vec<_>, Vec<_>) =
                seen.iter().cloned().partition(|partition| partition.relay.is_empty());
            let mut taken = self.take_free(&free, relay).await?;
            taken.extend(self.take_from(owned, relay).await?);
            Ok(taken)
        })
    }

    fn beat<'a>(&'a self, relay: &'a str) -> BoxFuture<'a, Result<Vec<u16>, StoreError>> {
        Box::pin(async move {
            let values = [Value::from(relay)];
            self.0.show(Said::new(&self.0.texts.beat, &values), "showing that a relay lives").await?;
            let rows = self.0.fetch(Said::new(&self.0.texts.own, &values), false).await?;
            rows.iter().map(|row| number(row, 0)).collect()
        })
    }

    fn relays(&self) -> BoxFuture<'_, Result<Vec<(Text, i64)>, StoreError>> {
        Box::pin(async {
            let rows = self.0.fetch(Said::new(&self.0.texts.relays, &[]), false).await?;
            rows.iter().map(|row| Ok((row.text(0)?, row.integer(1)?))).collect()
        })
    }

    fn leave<'a>(&'a self, relay: &'a str, beat: Option<i64>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let values = [Value::from(relay), Value::from(beat)];
            self.0.execute(Said::new(&self.0.texts.leave, &values), "forgetting a relay").await?;
            Ok(())
        })
    }

    fn release<'a>(&'a self, relay: &'a str, partitions: &'a [u16]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let (text, values) = (self.0.texts.release(partitions), [Value::from(relay)]);
            self.0.execute(Said::once(&text, &values), "giving back partitions of the outbox").await?;
            Ok(())
        })
    }

    fn pending<'a>(
        &'a self,
        transport: &'a str,
        partitions: &'a [u16],
        look: Look<'a>,
    ) -> BoxFuture<'a, Result<Vec<Stored>, StoreError>> {
        Box::pin(async move {
            let all = partitions.len() == usize::from(PARTITIONS);
            let text = self.0.texts.pending(partitions, all, &look);
            let values = [Value::from(look.limit), Value::from(transport)];
            let again = look == Look::first(look.limit);
            let rows = self.0.fetch(Said { again, ..Said::new(&text, &values) }, false).await?;
            let stored = |row: Row| {
                let number = row.integer(0)?;
                Ok(Stored { row: number, publication: envelope::read(&row.text(1)?, row.bytes(2)?) })
            };
            rows.into_iter().map(stored).collect()
        })
    }

    fn waiting_beside<'a>(&'a self, transports: &'a [Text]) -> BoxFuture<'a, Result<Vec<(Text, u64)>, StoreError>> {
        Box::pin(async move {
            let text = self.0.texts.waiting_beside(transports.len());
            let values: Vec<Value> = transports.iter().map(Value::from).collect();
            let rows = self.0.fetch(Said::new(&text, &values), false).await?;
            let waiting = |row: &Row| Ok((row.text(0)?, u64::try_from(row.integer(1)?).unwrap_or_default()));
            rows.iter().map(waiting).collect()
        })
    }

    fn done<'a>(&'a self, rows: &'a [i64]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let text = self.0.texts.done(rows);
            self.0.execute(Said::once(&text, &[]), "removing published rows").await?;
            Ok(())
        })
    }

    fn park<'a>(&'a self, row: i64, error: &'a str, now: SystemTime) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let values = [Value::from(row), Value::from(micros(now)), Value::from(error)];
            self.0.execute(Said::new(&self.0.texts.park, &values), "parking a publication").await?;
            Ok(())
        })
    }

    fn parked(&self, behind: i64, limit: u32) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        Box::pin(async move {
            let values = [Value::from(behind), Value::from(limit)];
            let rows = self.0.fetch(Said::new(&self.0.texts.parked, &values), false).await?;
            let parked = |row: &Row| {
                let (number, envelope) = (row.integer(0)?, row.text(1)?);
                // One that can't be read is shown all the same.
                let read = envelope::read(&envelope, Vec::new()).ok();
                let (id, topic) = read.map_or_else(Default::default, |publication| {
                    (publication.message.id.to_string().into(), publication.message.topic)
                });
                let error = row.optional_text(2)?.unwrap_or_default();
                Ok(Parked { row: number, id, topic, error, since: time(row.integer(3)?) })
            };
            rows.iter().map(parked).collect()
        })
    }

    fn replay<'a>(&'a self, rows: Option<&'a [i64]>) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let text = self.0.texts.replay(rows);
            let replayed = self.0.execute(Said::once(&text, &[]), "replaying parked publications").await?;
            self.0.committed.notify_one();
            Ok(replayed)
        })
    }

    fn depth(&self) -> BoxFuture<'_, Result<Depth, StoreError>> {
        Box::pin(async {
            let rows = self.0.fetch(Said::new(&self.0.texts.depth, &[]), false).await?;
            let Some(row) = rows.first() else { return Ok(Depth::default()) };
            let count = |column| row.integer(column).map(|number| u64::try_from(number).unwrap_or_default());
            Ok(Depth { pending: count(0)?, parked: count(1)?, oldest: row.optional_integer(2)?.map(time) })
        })
    }

    fn committed(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            match &self.0.pools {
                #[cfg(feature = "sqlite")]
                Pools::Sqlite { .. } => self.0.committed.notified().await,
                #[cfg(feature = "postgres")]
                Pools::Postgres(pool) => {
                    tokio::select! {
                        () = self.0.committed.notified() => {}
                        () = self.told(pool) => {}
                    }
                }
            }
        })
    }
}

impl SqlStore {
    /// Takes what is nobody's.
    async fn take_free(&self, seen: &[Partition], relay: &str) -> Result<Vec<u16>, StoreError> {
        if seen.is_empty() {
            return Ok(Vec::new());
        }
        let (text, values) = (self.0.texts.take(seen), taking(seen, relay));
        let rows = self.0.fetch(Said::once(&text, &values), true).await?;
        rows.iter().map(|row| number(row, 0)).collect()
    }

    /// Takes over what others have who have not shown since that they live. As long as that is looked at they can't: their
    /// rows are locked.
    async fn take_from(&self, mut seen: Vec<Partition>, relay: &str) -> Result<Vec<u16>, StoreError> {
        if seen.is_empty() {
            return Ok(Vec::new());
        }
        let mut open = self.0.begin().await?;
        let mut owners: Vec<Text> = seen.iter().map(|partition| partition.relay.clone()).collect();
        // All who do this lock in the same order.
        owners.sort();
        owners.dedup();
        let text = self.0.texts.beats(owners.len(), Store::system(self) == "postgresql");
        let values: Vec<Value> = owners.iter().map(Value::from).collect();
        let beats = open.fetch(Said::once(&text, &values)).await?;
        let beats: Vec<(Text, i64)> =
            beats.iter().map(|row| Ok((row.text(0)?, row.integer(1)?))).collect::<Result<_, StoreError>>()?;
        let beat = |of: &Text| beats.iter().find(|(relay, _)| relay == of).map(|(_, beat)| *beat);
        seen.retain(|partition| beat(&partition.relay) == partition.beat);
        if seen.is_empty() {
            return Ok(Vec::new());
        }
        let (text, values) = (self.0.texts.take(&seen), taking(&seen, relay));
        let rows = open.fetch(Said::once(&text, &values)).await?;
        let taken = rows.iter().map(|row| number(row, 0)).collect();
        open.commit().await?;
        taken
    }
}

/// Who takes, and from whom.
fn taking(seen: &[Partition], relay: &str) -> Vec<Value> {
    let owners = seen.iter().map(|partition| Value::from(&partition.relay));
    std::iter::once(Value::from(relay)).chain(owners).collect()
}

#[cfg(feature = "postgres")]
impl SqlStore {
    /// Another process said that it committed something. Never, while nobody can be listened to: relays look from time to
    /// time anyway.
    async fn told(&self, pool: &sqlx::PgPool) {
        let mut listener = self.0.listener.lock().await;
        if listener.is_none() {
            *listener = self.listen(pool).await;
        }
        let Some(listening) = listener.as_mut() else { return std::future::pending().await };
        if listening.recv().await.is_err() {
            *listener = None;
        }
    }

    async fn listen(&self, pool: &sqlx::PgPool) -> Option<sqlx::postgres::PgListener> {
        let mut listener = sqlx::postgres::PgListener::connect_with(pool).await.ok()?;
        listener.listen(&format!("{}outbox", self.0.texts.prefix)).await.ok()?;
        Some(listener)
    }
}
