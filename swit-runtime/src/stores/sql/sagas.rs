//! Instances of sagas in SQL, outside of transactions.

use std::time::SystemTime;

use bytes::Bytes;

use super::{
    SqlStore,
    envelope::{self, micros, time},
    session::Said,
};
use crate::{
    message::Message,
    outcome::one_line,
    store::{Instance, Row, SagaCount, SagaFilter, SagaState, SagaWish, Sagas, Saved, Store, StoreError, Value},
    text::Text,
    transport::BoxFuture,
};

const READING: &str = "reading an instance of a saga";
const SAVING: &str = "saving an instance of a saga";

fn unreadable(what: String) -> StoreError {
    StoreError::Refused { doing: READING, source: what.into() }
}

pub(super) fn state(word: &str) -> Result<SagaState, StoreError> {
    SagaState::parse(word).ok_or_else(|| unreadable(format!("`{word}` is no state of a saga that this version knows")))
}

/// What is wished, of a column that may say nothing.
pub(super) fn wish(word: Option<Text>) -> Result<Option<SagaWish>, StoreError> {
    let known = |word: Text| {
        SagaWish::parse(&word).ok_or_else(|| unreadable(format!("`{word}` is no wish that this version knows")))
    };
    word.map(known).transpose()
}

fn instance(row: &Row) -> Result<Instance, StoreError> {
    let version = row.integer(3)?;
    Ok(Instance {
        saga: row.text(0)?,
        key: row.text(1)?,
        id: row.text(2)?,
        version: u32::try_from(version).map_err(|_| unreadable(format!("{version} is no version of a saga")))?,
        revision: row.integer(4)?,
        state: state(&row.text(5)?)?,
        owner: row.text(6)?,
        waits: row.optional_text(7)?,
        due: row.optional_integer(8)?.map(time),
        parked: row.optional_text(9)?,
        wish: wish(row.optional_text(10)?)?,
        opening: row.text(11)?,
        journal: row.text(12)?,
        started_at: time(row.integer(13)?),
        updated_at: time(row.integer(14)?),
    })
}

/// The values of an instance's row that is saved, which was this owner's.
pub(super) fn saved(instance: &Instance, owner: &str, now: SystemTime) -> [Value; 13] {
    [
        Value::from(&instance.saga),
        Value::from(&instance.key),
        Value::from(instance.revision),
        Value::from(owner),
        Value::from(instance.version),
        Value::from(instance.state.as_str()),
        Value::from(&instance.owner),
        Value::Text(instance.waits.clone()),
        Value::from(instance.due.map(micros)),
        Value::Text(instance.parked.clone()),
        Value::from(&instance.journal),
        Value::from(micros(now)),
        Value::from(instance.state.is_finished().then(|| micros(now))),
    ]
}

pub(super) fn body(rows: &[Row]) -> Result<Option<(i64, Bytes)>, StoreError> {
    let body = |row: &Row| Ok((row.integer(0)?, Bytes::from(row.bytes(1)?)));
    rows.first().map(body).transpose()
}

impl SqlStore {
    async fn instances(&self, said: Said<'_>, writes: bool) -> Result<Vec<Instance>, StoreError> {
        self.0.fetch(said, writes).await?.iter().map(instance).collect()
    }

    /// With a wait: an event that comes meanwhile waits for the row, and one that came before is seen once it is locked.
    async fn save_waiting(&self, values: &[Value], wake: &[Value]) -> Result<Saved, StoreError> {
        let texts = &self.0.texts.sagas;
        let mut open = self.0.begin().await?;
        let rows = open.fetch(Said::new(&texts.save, values)).await?;
        let Some(row) = rows.first() else { return Ok(Saved::Lost) };
        let wish = wish(row.optional_text(0)?)?;
        let mail = open.execute(Said::new(&texts.wake, wake), SAVING).await? == 1;
        open.commit().await?;
        Ok(Saved::Yes { wish, mail })
    }
}

impl Sagas for SqlStore {
    fn load<'a>(&'a self, saga: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Instance>, StoreError>> {
        Box::pin(async move {
            let values = [Value::from(saga), Value::from(key)];
            Ok(self.instances(Said::new(&self.0.texts.sagas.load, &values), false).await?.pop())
        })
    }

    fn list<'a>(
        &'a self,
        filter: &'a SagaFilter,
        behind: Option<(&'a str, &'a str)>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Instance>, StoreError>> {
        Box::pin(async move {
            let text = self.0.texts.sagas.list(filter, behind.is_some());
            let behind = behind.into_iter().flat_map(|(saga, key)| [Value::from(saga), Value::from(key)]);
            let (saga, state) = (filter.saga.as_ref().map(Value::from), filter.state.map(SagaState::as_str));
            let values: Vec<_> =
                [Value::from(limit)].into_iter().chain(behind).chain(saga).chain(state.map(Value::from)).collect();
            self.instances(Said::once(&text, &values), false).await
        })
    }

    fn claim<'a>(
        &'a self,
        member: &'a str,
        sagas: &'a [Text],
        now: SystemTime,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Instance>, StoreError>> {
        Box::pin(async move {
            if sagas.is_empty() {
                return Ok(Vec::new());
            }
            let text = self.0.texts.sagas.claim(sagas.len(), self.system() == "postgresql");
            let first = [Value::from(member), Value::from(micros(now)), Value::from(limit)];
            let values: Vec<_> = first.into_iter().chain(sagas.iter().map(Value::from)).collect();
            let rows = self.0.fetch(Said::new(&text, &values), true).await?;
            // One that can't be read keeps nobody from going on with the others, which are the member's now.
            let read = rows.iter().map(instance).filter_map(|read| {
                read.inspect_err(
                    |error| tracing::error!(error = %one_line(error), "an instance of a saga can't be read"),
                )
                .ok()
            });
            Ok(read.collect())
        })
    }

    fn next_due<'a>(&'a self, sagas: &'a [Text]) -> BoxFuture<'a, Result<Option<SystemTime>, StoreError>> {
        Box::pin(async move {
            if sagas.is_empty() {
                return Ok(None);
            }
            let text = self.0.texts.sagas.next_due(sagas.len());
            let values: Vec<_> = sagas.iter().map(Value::from).collect();
            let rows = self.0.fetch(Said::new(&text, &values), false).await?;
            Ok(rows.first().map(|row| row.integer(0)).transpose()?.map(time))
        })
    }

    fn owned<'a>(&'a self, member: &'a str, limit: u32) -> BoxFuture<'a, Result<Vec<Instance>, StoreError>> {
        Box::pin(async move {
            let values = [Value::from(member), Value::from(limit)];
            self.instances(Said::new(&self.0.texts.sagas.owned, &values), false).await
        })
    }

    fn orphan<'a>(
        &'a self,
        dead: &'a str,
        beat: Option<i64>,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let values = [Value::from(dead), Value::from(micros(now)), Value::from(beat.unwrap_or(-1))];
            self.0.execute(Said::new(&self.0.texts.sagas.orphan, &values), "taking over a dead member's sagas").await
        })
    }

    fn save<'a>(
        &'a self,
        instance: &'a Instance,
        owner: &'a str,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Saved, StoreError>> {
        Box::pin(async move {
            let values = saved(instance, owner, now);
            if let Some(step) = &instance.waits {
                let [saga, key] = [Value::from(&instance.saga), Value::from(&instance.key)];
                let wake = [saga, key, Value::from(step), Value::from(micros(now))];
                return self.save_waiting(&values, &wake).await;
            }
            // One statement, which is a transaction by itself: there is one way to the database and back a step.
            let rows = self.0.fetch(Said::new(&self.0.texts.sagas.save, &values), true).await?;
            let Some(row) = rows.first() else { return Ok(Saved::Lost) };
            Ok(Saved::Yes { wish: wish(row.optional_text(0)?)?, mail: false })
        })
    }

    fn wish<'a>(
        &'a self,
        saga: &'a str,
        key: &'a str,
        wish: SagaWish,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Option<SagaState>, StoreError>> {
        Box::pin(async move {
            let texts = &self.0.texts.sagas;
            let values = [Value::from(saga), Value::from(key), Value::from(wish.as_str()), Value::from(micros(now))];
            let mut rows = self.0.fetch(Said::new(&texts.wish, &values), true).await?;
            if rows.is_empty() {
                // Finished ones alone: one that was started only now is not told what was wished before.
                rows = self.0.fetch(Said::new(&texts.finished_state, &values[..2]), false).await?;
            }
            rows.first().map(|row| state(&row.text(0)?)).transpose()
        })
    }

    fn resume<'a>(&'a self, saga: &'a str, key: &'a str, now: SystemTime) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let values = [Value::from(saga), Value::from(key), Value::from(micros(now))];
            Ok(self.0.execute(Said::new(&self.0.texts.sagas.resume, &values), "resuming a saga").await? == 1)
        })
    }

    fn mail<'a>(
        &'a self,
        saga: &'a str,
        key: &'a str,
        step: &'a str,
    ) -> BoxFuture<'a, Result<Option<Message>, StoreError>> {
        Box::pin(async move {
            let values = [Value::from(saga), Value::from(key), Value::from(step)];
            let rows = self.0.fetch(Said::new(&self.0.texts.sagas.mail, &values), false).await?;
            let Some(row) = rows.first() else { return Ok(None) };
            let kept = envelope::read(&row.text(0)?, row.bytes(1)?);
            let unreadable = |why| unreadable(format!("the event for its step `{step}` can't be read: {why}"));
            kept.map(|kept| Some(kept.message)).map_err(unreadable)
        })
    }

    fn forget_finished(&self, before: SystemTime, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let values = [Value::from(micros(before)), Value::from(limit)];
            self.0.execute(Said::new(&self.0.texts.sagas.forget, &values), "forgetting finished sagas").await
        })
    }

    fn counts(&self) -> BoxFuture<'_, Result<Vec<SagaCount>, StoreError>> {
        Box::pin(async {
            let count = |row: &Row| {
                let count = u64::try_from(row.integer(3)?).unwrap_or_default();
                Ok(SagaCount { saga: row.text(0)?, state: state(&row.text(1)?)?, parked: row.integer(2)? != 0, count })
            };
            self.0.fetch(Said::new(&self.0.texts.sagas.counts, &[]), false).await?.iter().map(count).collect()
        })
    }

    fn beat<'a>(&'a self, member: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let values = [Value::from(member)];
            self.0.show(Said::new(&self.0.texts.sagas.beat, &values), "showing that a member lives").await?;
            Ok(())
        })
    }

    fn members(&self) -> BoxFuture<'_, Result<Vec<(Text, i64)>, StoreError>> {
        Box::pin(async {
            let rows = self.0.fetch(Said::new(&self.0.texts.sagas.members, &[]), false).await?;
            rows.iter().map(|row| Ok((row.text(0)?, row.integer(1)?))).collect()
        })
    }

    fn leave<'a>(&'a self, member: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let values = [Value::from(member)];
            self.0.execute(Said::new(&self.0.texts.sagas.leave, &values), "forgetting a member").await?;
            Ok(())
        })
    }

    fn state<'a>(&'a self, kind: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<(i64, Bytes)>, StoreError>> {
        Box::pin(async move {
            let values = [Value::from(kind), Value::from(key)];
            body(&self.0.fetch(Said::new(&self.0.texts.sagas.state, &values), false).await?)
        })
    }
}
