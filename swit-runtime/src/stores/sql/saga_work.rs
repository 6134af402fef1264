//! What an open transaction does to sagas in SQL.

use std::time::SystemTime;

use bytes::Bytes;

use super::{
    envelope::{self, micros},
    sagas::{body, saved, state, wish},
    session::Said,
    work::SqlWork,
};
use crate::{
    event::Unrouted,
    message::Message,
    store::{Delivered, Enlisted, Instance, SagaWork, Saved, StoreError, Value},
    text::Text,
    transport::BoxFuture,
};

const STARTING: &str = "starting a saga";
const DELIVERING: &str = "keeping an event for a saga";
const SETTING: &str = "writing the state of a saga";

impl SagaWork for SqlWork {
    fn start_saga<'a>(&'a mut self, instance: &'a Instance) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let finished = instance.state.is_finished().then(|| micros(instance.updated_at));
            let values = [
                Value::from(&instance.saga),
                Value::from(&instance.key),
                Value::from(&instance.id),
                Value::from(instance.version),
                Value::from(instance.revision),
                Value::from(instance.state.as_str()),
                Value::from(&instance.owner),
                Value::Text(instance.waits.clone()),
                Value::from(instance.due.map(micros)),
                Value::Text(instance.parked.clone()),
                Value::from(&instance.opening),
                Value::from(&instance.journal),
                Value::from(micros(instance.started_at)),
                Value::from(micros(instance.updated_at)),
                Value::from(finished),
            ];
            let store = self.store();
            Ok(self.execute_heeded(Said::new(&store.texts.sagas.start, &values), STARTING).await? == 1)
        })
    }

    fn save_saga<'a>(
        &'a mut self,
        instance: &'a Instance,
        owner: &'a str,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Saved, StoreError>> {
        Box::pin(async move {
            let store = self.store();
            let texts = &store.texts.sagas;
            let rows = self.fetch_heeded(Said::new(&texts.save, &saved(instance, owner, now))).await?;
            let Some(row) = rows.first() else { return Ok(Saved::Lost) };
            let wish = wish(row.optional_text(0)?)?;
            let mut mail = false;
            if let Some(step) = &instance.waits {
                let values = [Value::from(&instance.saga), Value::from(&instance.key), Value::from(step)];
                // A statement of its own, so that it sees what was committed before the row was locked.
                mail = !self.fetch_heeded(Said::new(&texts.has_mail, &values)).await?.is_empty();
            }
            Ok(Saved::Yes { wish, mail })
        })
    }

    fn deliver_to_saga<'a>(
        &'a mut self,
        saga: &'a str,
        key: &'a str,
        step: &'a str,
        message: &'a Message,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Delivered, StoreError>> {
        Box::pin(async move {
            let store = self.store();
            let texts = &store.texts.sagas;
            let values = [Value::from(saga), Value::from(key), Value::from(step), Value::from(micros(now))];
            let rows = self.fetch_heeded(Said::new(&texts.lock, &values)).await?;
            let Some(row) = rows.first() else { return Ok(Delivered::NoInstance) };
            let state = state(&row.text(0)?)?;
            if state.is_closed() {
                let has_it = !self.fetch_heeded(Said::new(&texts.has_mail, &values[..3])).await?.is_empty();
                return Ok(if has_it { Delivered::Duplicate } else { Delivered::Finished(state) });
            }
            let is_awaited = row.optional_text(1)?.as_deref() == Some(step) && row.text(2)?.is_empty();
            let kept =
                Enlisted { message: message.clone(), transport: Text::default(), unrouted: Unrouted::Warn, due: None };
            let [saga, key, step, now] = values;
            let payload = Value::from(kept.message.payload.to_vec());
            let values = [saga, key, step, Value::from(envelope::write(&kept)), payload, now];
            Ok(match self.execute_heeded(Said::new(&texts.deliver, &values), DELIVERING).await? {
                0 => Delivered::Duplicate,
                _ if is_awaited => Delivered::Awaited,
                _ => Delivered::Kept,
            })
        })
    }

    fn state<'a>(&'a mut self, kind: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<(i64, Bytes)>, StoreError>> {
        Box::pin(async move {
            let (store, values) = (self.store(), [Value::from(kind), Value::from(key)]);
            body(&self.fetch_heeded(Said::new(&store.texts.sagas.state, &values)).await?)
        })
    }

    fn set_state<'a>(
        &'a mut self,
        kind: &'a str,
        key: &'a str,
        version: Option<i64>,
        new: Option<Bytes>,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let store = self.store();
            let texts = &store.texts.sagas;
            let of = [Value::from(kind), Value::from(key)].into_iter();
            let now = Value::from(micros(now));
            let (text, values): (_, Vec<Value>) = match (version, new) {
                (None, Some(new)) => (&texts.insert_state, of.chain([Value::from(new.to_vec()), now]).collect()),
                (Some(version), Some(new)) => {
                    (&texts.update_state, of.chain([Value::from(version), Value::from(new.to_vec()), now]).collect())
                }
                (Some(version), None) => (&texts.delete_state, of.chain([Value::from(version)]).collect()),
                // There is nothing to remove.
                (None, None) => {
                    let values: Vec<Value> = of.collect();
                    return Ok(self.fetch_heeded(Said::new(&texts.state, &values)).await?.is_empty());
                }
            };
            Ok(self.execute_heeded(Said::new(text, &values), SETTING).await? == 1)
        })
    }
}
