//! What `#[saga]` writes, run by the engine: instances begin and go on with events, see their outputs, are undone in reverse.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use swit::{
    App, Class, Classify, Clock, Context, ErrorAction, Event, State, Tx, saga,
    sagas::{Cause, IdempotencyKey, SagaKey, SagaState, Sagas, Undoing},
    stores::MemoryStore,
    testing::TestApp,
};

use crate::support::Journal;

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = order)]
struct OrderCreated {
    order: String,
    amount: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.shipped", key = order)]
struct OrderShipped {
    order: String,
    parcel: String,
}

#[derive(Debug, thiserror::Error, Classify)]
enum Trouble {
    #[error("declined")]
    #[class(permanent)]
    Declined,
    #[error("busy")]
    #[class(transient)]
    Busy,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
    amount: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Reservation {
    shelf: u64,
}

async fn not_worth_it(_cx: &Context, error: &Trouble) -> ErrorAction {
    if matches!(error, Trouble::Declined) { ErrorAction::Discard } else { ErrorAction::ByClass }
}

#[saga(key = order)]
impl PlaceOrder {
    #[start(topic = "order.created", retries = 5, backoff = fixed("1s"), on_error = not_worth_it)]
    async fn begin(event: OrderCreated, journal: State<Journal>, mut tx: Tx) -> Result<Self, Trouble> {
        tx.keep(&event.order).await.map_err(|_| Trouble::Busy)?;
        journal.note(format!("begin {}", event.order));
        match event.amount {
            0 => Err(Trouble::Declined),
            amount => Ok(Self { order: event.order, amount }),
        }
    }

    #[step(compensate = release)]
    async fn reserve(&self, _tx: Tx, journal: State<Journal>) -> Result<Reservation, Trouble> {
        journal.note(format!("reserve {}", self.amount));
        Ok(Reservation { shelf: self.amount })
    }

    #[compensation]
    async fn release(
        &self,
        #[output] reservation: Reservation,
        journal: State<Journal>,
        why: Undoing,
    ) -> Result<(), Trouble> {
        journal.note(format!("release {} since {:?}", reservation.shelf, why.cause == Cause::Failed));
        Ok(())
    }

    #[step(compensate = refund, idempotency_key = reference, retries = 1)]
    async fn charge(
        #[output(reserve)] reservation: Reservation,
        key: IdempotencyKey,
        of: SagaKey,
        journal: State<Journal>,
    ) -> Result<u64, Trouble> {
        journal.note(format!("charge {} for {} by {}", reservation.shelf, &*of, &*key));
        match reservation.shelf {
            13 => Err(Trouble::Declined),
            17 => Err(Trouble::Busy),
            shelf => Ok(shelf * 100),
        }
    }

    #[compensation]
    async fn refund(#[output] payment: Option<u64>, journal: State<Journal>) -> Result<(), Trouble> {
        journal.note(format!("refund {payment:?}"));
        Ok(())
    }

    #[wait(topic = "order.shipped", key = order, within = "1h", no_compensation)]
    async fn shipped(event: OrderShipped, journal: State<Journal>) -> Result<String, Trouble> {
        journal.note(format!("shipped {}", event.parcel));
        Ok(event.parcel)
    }

    #[wait(topic = "order.shipped", key = twin, within = "1h", no_compensation, name = "twin")]
    async fn shipped_again(&self, event: Option<OrderShipped>, journal: State<Journal>) -> Result<(), Trouble> {
        journal.note(format!("twin {:?}", event.map(|event| event.parcel)));
        Ok(())
    }

    #[step(no_compensation, after = "10m")]
    async fn thank(#[output(shipped)] parcel: String, journal: State<Journal>) -> Result<(), Trouble> {
        journal.note(format!("thank for {parcel}"));
        Ok(())
    }

    fn reference(&self) -> String {
        format!("pay-{}", self.order)
    }

    fn twin(event: &OrderShipped) -> &str {
        event.order.strip_suffix("-twin").unwrap_or("nobody")
    }
}

async fn app(journal: &Journal) -> TestApp {
    // Timers go by the clock, which is to go as virtual time does.
    let start = tokio::time::Instant::now();
    let clock = Clock::injected(move || SystemTime::UNIX_EPOCH + Duration::from_hours(24) + start.elapsed());
    let app = App::only::<()>().with_saga::<PlaceOrder>().store(MemoryStore::new()).clock(clock);
    TestApp::start(app.provide(journal.clone())).await.unwrap()
}

fn order(order: &str, amount: u64) -> OrderCreated {
    OrderCreated { order: order.to_owned(), amount }
}

fn shipped(order: &str, parcel: &str) -> OrderShipped {
    OrderShipped { order: order.to_owned(), parcel: parcel.to_owned() }
}

#[tokio::test(start_paused = true)]
async fn an_instance_goes_from_its_event_through_all_steps() {
    let journal = Journal::default();
    let app = app(&journal).await;
    let sagas: Sagas<PlaceOrder> = app.running().sagas().unwrap();
    app.publish(&order("o", 4)).await.unwrap();
    app.publish(&shipped("o", "p1")).await.unwrap();
    app.publish(&shipped("o-twin", "p2")).await.unwrap();
    app.wait_quiet().await;
    let status = sagas.ended("o").await.unwrap();
    assert_eq!(status.state, SagaState::Completed, "{status:?}");
    assert_eq!(status.done().collect::<Vec<_>>(), ["reserve", "charge", "shipped", "twin", "thank"]);
    let expected =
        ["begin o", "reserve 4", "charge 4 for o by pay-o", "shipped p1", "twin Some(\"p2\")", "thank for p1"];
    assert_eq!(journal.lines(), expected);
    assert_eq!(app.calls("place-order-begin").len(), 1);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wait_whose_time_is_over_goes_on_or_has_all_undone() {
    let journal = Journal::default();
    let app = app(&journal).await;
    let sagas: Sagas<PlaceOrder> = app.running().sagas().unwrap();
    app.publish(&order("some", 4)).await.unwrap();
    app.publish(&order("none", 5)).await.unwrap();
    app.wait_quiet().await;
    app.publish(&shipped("some", "p1")).await.unwrap();
    assert_eq!(sagas.ended("some").await.unwrap().state, SagaState::Completed);
    let status = sagas.ended("none").await.unwrap();
    assert!(matches!(status.state, SagaState::Compensated | SagaState::TimedOut), "{status:?}");
    let lines = journal.lines();
    assert!(lines.contains(&"twin None".to_owned()), "{lines:?}");
    assert!(lines.contains(&"refund Some(500)".to_owned()), "{lines:?}");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_done_is_undone_and_errors_keep_their_class() {
    let journal = Journal::default();
    let app = app(&journal).await;
    let sagas: Sagas<PlaceOrder> = app.running().sagas().unwrap();
    assert_eq!(Trouble::Declined.classify().class, Class::Permanent);
    // Permanent: tried once. Known not to have been done, so it is not undone itself.
    sagas.start(&PlaceOrder { order: "declined".to_owned(), amount: 13 }).await.unwrap();
    assert_eq!(sagas.ended("declined").await.unwrap().state, SagaState::Compensated);
    let tried = |lines: &[String], what: &str| lines.iter().filter(|line| line.starts_with(what)).count();
    let lines = journal.lines();
    assert_eq!((tried(&lines, "charge"), tried(&lines, "release 13 since true")), (1, 1), "{lines:?}");
    // Transient: as often as `retries` says.
    sagas.start(&PlaceOrder { order: "busy".to_owned(), amount: 17 }).await.unwrap();
    assert_eq!(sagas.ended("busy").await.unwrap().state, SagaState::Compensated);
    let lines = journal.lines();
    assert_eq!((tried(&lines, "charge 17"), tried(&lines, "release 17")), (2, 1), "{lines:?}");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_event_starts_one_instance_and_one_that_is_refused_none() {
    let journal = Journal::default();
    let app = app(&journal).await;
    let sagas: Sagas<PlaceOrder> = app.running().sagas().unwrap();
    app.publish(&order("twice", 4)).await.unwrap();
    app.publish(&order("twice", 5)).await.unwrap();
    app.publish(&order("refused", 0)).await.unwrap();
    app.publish(&shipped("nobody-knows", "p")).await.unwrap();
    app.wait_quiet().await;
    assert!(sagas.find("refused").await.unwrap().is_none());
    let lines = journal.lines();
    let of = |what: &str| lines.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!((of("begin twice"), of("reserve"), of("begin refused")), (2, 1, 1), "{lines:?}");
    assert!(app.dead_letters("place-order-begin").is_empty(), "`on_error` discards it");
    assert_eq!(app.dead_letters("place-order-shipped").len(), 1, "there is no such instance");
    app.shutdown().await.unwrap();
}
