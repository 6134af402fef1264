//! A saga that does as it is told, and what it did.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use swit::{
    App, Classify, Clock, State, Tx,
    sagas::{IdempotencyKey, SagaStatus, Sagas, Undoing},
    stores::MemoryStore,
    testing::TestApp,
};
use tokio::time::Instant;

use crate::support::Journal;

pub(super) type Answer<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Nothing was done, and never will be.
#[derive(Debug, thiserror::Error, Classify)]
#[error("refused, as it was told")]
#[class(permanent)]
struct Refused;

/// What functions are told to do, by their names: one word an attempt, the last one for all that follow.
#[derive(Debug, Clone, Default)]
pub(super) struct Orders(Arc<Mutex<HashMap<String, Vec<&'static str>>>>);

impl Orders {
    pub(super) fn give(&self, function: &str, words: &[&'static str]) {
        self.0.lock().unwrap().insert(function.to_owned(), words.iter().rev().copied().collect());
    }

    pub(super) async fn obey(&self, function: &str) -> Answer<()> {
        let word = {
            let mut orders = self.0.lock().unwrap();
            match orders.get_mut(function) {
                Some(words) if words.len() > 1 => words.pop().unwrap(),
                Some(words) => words[0],
                None => "do",
            }
        };
        match word {
            "fail" => Err("as it was told".into()),
            "refuse" => Err(Refused.into()),
            "panic" => panic!("as it was told"),
            "hang" => std::future::pending().await,
            "take eight seconds" => {
                tokio::time::sleep(Duration::from_secs(8)).await;
                Ok(())
            }
            "take a minute" => {
                tokio::time::sleep(Duration::from_mins(1)).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Three steps: one that happens with its transaction, one outside of any, one that needs no undoing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Trip {
    pub(super) name: String,
}

#[swit::saga(key = name, timeout = "1h", concurrency = 2)]
impl Trip {
    #[step(compensate = unbook_flight, retries = 2, backoff = fixed("1s"), timeout = "10s")]
    async fn book_flight(&self, journal: State<Journal>, orders: State<Orders>, _tx: Tx) -> Answer<String> {
        journal.note(format!("{} flight", self.name));
        orders.obey("flight").await?;
        Ok("seat 7".to_owned())
    }

    #[compensation(retries = 2, backoff = fixed("1s"), timeout = "10s")]
    async fn unbook_flight(
        &self,
        #[output] seat: String,
        undoing: Undoing,
        journal: State<Journal>,
        orders: State<Orders>,
    ) -> Answer<()> {
        let step = undoing.step.as_deref().unwrap_or("nothing");
        assert!(undoing.key.ends_with("/book_flight"), "{}", undoing.key);
        journal.note(format!("{} gives {seat} back: {:?}, {step} failed", self.name, undoing.cause));
        orders.obey("unflight").await
    }

    #[step(compensate = unbook_hotel, retries = 2, backoff = fixed("1s"), timeout = "10s")]
    async fn book_hotel(
        &self,
        #[output(book_flight)] seat: String,
        key: IdempotencyKey,
        journal: State<Journal>,
        orders: State<Orders>,
    ) -> Answer<u32> {
        let (_, step) = key.split_once('/').unwrap();
        journal.note(format!("{} hotel after {seat}, as {step}", self.name));
        orders.obey("hotel").await?;
        Ok(42)
    }

    #[compensation(retries = 2, backoff = fixed("1s"), timeout = "10s")]
    async fn unbook_hotel(
        &self,
        #[output] room: Option<u32>,
        key: IdempotencyKey,
        journal: State<Journal>,
        orders: State<Orders>,
    ) -> Answer<()> {
        let (_, step) = key.split_once('/').unwrap();
        journal.note(format!("{} gives {room:?} back, as {step}", self.name));
        orders.obey("unhotel").await
    }

    #[step(no_compensation, after = "10m", retries = 2, backoff = fixed("1s"), timeout = "10s")]
    async fn send_tickets(&self, journal: State<Journal>, orders: State<Orders>) -> Answer<()> {
        journal.note(format!("{} tickets", self.name));
        orders.obey("tickets").await
    }
}

pub(super) fn trip(name: &str) -> Trip {
    Trip { name: name.to_owned() }
}

/// A store that survives its services, and all that they did.
pub(super) struct World {
    pub(super) store: MemoryStore,
    pub(super) journal: Journal,
    pub(super) orders: Orders,
    began: Instant,
}

impl World {
    pub(super) fn new() -> Self {
        let (store, journal, orders) = (MemoryStore::new(), Journal::default(), Orders::default());
        Self { store, journal, orders, began: Instant::now() }
    }

    /// A wall clock that goes as virtual time does.
    pub(super) fn clock(&self) -> Clock {
        let began = self.began;
        Clock::injected(move || SystemTime::UNIX_EPOCH + Duration::from_hours(1_000) + began.elapsed())
    }

    pub(super) fn base(&self) -> App {
        App::only::<()>()
            .store(self.store.clone())
            .clock(self.clock())
            .provide(self.journal.clone())
            .provide(self.orders.clone())
    }

    pub(super) async fn trips(&self) -> (TestApp, Sagas<Trip>) {
        let app = TestApp::start(self.base().with_saga::<Trip>()).await.unwrap();
        let sagas = app.sagas().unwrap();
        (app, sagas)
    }

    /// Starts one and waits for its end.
    pub(super) async fn run(&self, sagas: &Sagas<Trip>, name: &str) -> SagaStatus {
        assert!(sagas.start(&trip(name)).await.unwrap().is_new);
        sagas.ended(name).await.unwrap()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.journal.lines()
    }

    pub(super) fn minutes(&self) -> u64 {
        self.began.elapsed().as_secs() / 60
    }
}
