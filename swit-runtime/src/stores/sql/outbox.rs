//! The outbox in SQL.

use std::time::SystemTime;

use super::{
    SqlStore,
    envelope::{self, micros, time},
    session::Said,
    store::Pools,
};
use crate::{
    store::{Depth, Outbox, PARTITIONS, Parked, Partition, Row, StoreError, Stored, Value},
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
            let partition = |row: &Row| Ok(Partition { number: number(row, 0)?, relay: row.text(1)? });
            rows.iter().map(partition).collect()
        })
    }

    fn take<'a>(&'a self, seen: &'a [Partition], relay: &'a str) -> BoxFuture<'a, Result<Vec<u16>, StoreError>> {
        Box::pin(async move {
            if seen.is_empty() {
                return Ok(Vec::new());
            }
            let text = self.0.texts.take(seen);
            let owners = seen.iter().map(|partition| Value::from(&partition.relay));
            let values: Vec<Value> = std::iter::once(Value::from(relay)).chain(owners).collect();
            let rows = self.0.fetch(Said::once(&text, &values), true).await?;
            rows.iter().map(|row| number(row, 0)).collect()
        })
    }

    fn beat<'a>(&'a self, relay: &'a str) -> BoxFuture<'a, Result<Vec<u16>, StoreError>> {
        Box::pin(async move {
            let values = [Value::from(relay)];
            self.0.execute(Said::new(&self.0.texts.beat, &values), "showing that a relay lives").await?;
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

    fn leave<'a>(&'a self, relay: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let values = [Value::from(relay)];
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
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Stored>, StoreError>> {
        Box::pin(async move {
            let all = partitions.len() == usize::from(PARTITIONS);
            let (text, values) = (self.0.texts.pending(partitions, all), [Value::from(limit), Value::from(transport)]);
            let rows = self.0.fetch(Said::new(&text, &values), false).await?;
            let stored = |row: Row| {
                let number = row.integer(0)?;
                Ok(Stored { row: number, publication: envelope::read(&row.text(1)?, row.bytes(2)?) })
            };
            rows.into_iter().map(stored).collect()
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
