//! What every store owes sagas.

mod claiming;
mod events;
mod listing;
mod races;
mod saving;
mod states;

use std::time::SystemTime;

use swit::{
    Text,
    store::{Instance, SagaState, Saved, Store},
};

use super::at;

/// One that was just started, which nobody has to go on with.
fn instance(saga: &str, key: &str) -> Instance {
    Instance {
        saga: saga.into(),
        key: key.into(),
        id: format!("{saga}-{key}-id").into(),
        version: 3,
        revision: 0,
        state: SagaState::Pending,
        owner: Text::default(),
        waits: None,
        due: None,
        parked: None,
        wish: None,
        opening: "{\"ö\":1}".into(),
        journal: "[]".into(),
        started_at: at(1),
        updated_at: at(1),
    }
}

fn saved() -> Saved {
    Saved::Yes { wish: None, mail: false }
}

async fn start(store: &dyn Store, instances: &[Instance]) {
    let mut work = store.begin().await.unwrap();
    for instance in instances {
        assert!(work.start_saga(instance).await.unwrap(), "{instance:?}");
    }
    work.commit().await.unwrap();
}

async fn load(store: &dyn Store, saga: &str, key: &str) -> Instance {
    store.sagas().load(saga, key).await.unwrap().unwrap()
}

fn keys(instances: &[Instance]) -> Vec<String> {
    instances.iter().map(|instance| instance.key.to_string()).collect()
}

async fn claim(store: &dyn Store, member: &str, sagas: &[&str], now: SystemTime, limit: u32) -> Vec<Instance> {
    let sagas: Vec<Text> = sagas.iter().map(|saga| Text::from(*saga)).collect();
    let mut claimed = store.sagas().claim(member, &sagas, now, limit).await.unwrap();
    claimed.sort_by(|a, b| (&a.saga, &a.key).cmp(&(&b.saga, &b.key)));
    claimed
}
