//! What `#[saga]` registers: names, order, policies, what its functions take and how they are undone.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swit::{
    __private::{SagaRegistration, StepRegistration},
    Backoff, Classify, Event, State, Tx, saga,
    sagas::{IdempotencyKey, Saga, SagaKey},
};

#[derive(Debug, Serialize, Deserialize)]
struct PlaceOrder {
    order: u64,
    sku: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Reservation {
    shelf: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Payment(u64);

#[derive(Debug, thiserror::Error, Classify)]
#[error("refused")]
#[class(permanent)]
struct Refused;

#[saga(key = order, name = "place-an-order", version = 3, accepts = [1, 2], timeout = "1h", concurrency = 7)]
impl PlaceOrder {
    /// The block may hold whatever an impl block holds.
    const SHELF: &'static str = "a";

    #[step(compensate = release, retries = 5, backoff = fixed("2s"), timeout = "5s")]
    async fn reserve(&self, _tx: Tx) -> Result<Reservation, Refused> {
        Ok(Reservation { shelf: Self::SHELF.to_owned() })
    }

    #[compensation(retries = 10)]
    async fn release(&self, #[output] _reservation: Reservation, _tx: Tx) -> Result<(), Refused> {
        Ok(())
    }

    #[step(compensate = refund, idempotency_key = payment_reference, name = "take-payment")]
    async fn charge(
        &self,
        #[output(reserve)] reservation: Reservation,
        bank: State<u64>,
        key: IdempotencyKey,
    ) -> Result<Payment, Refused> {
        if reservation.shelf.is_empty() || key.is_empty() {
            return Err(Refused);
        }
        Ok(Payment(*bank))
    }

    #[compensation]
    async fn refund(#[output] _payment: Option<Payment>, _key: SagaKey) -> Result<(), Refused> {
        Ok(())
    }

    #[step(no_compensation, after = "10m")]
    async fn remind(&self, #[output(charge)] payment: Payment) -> Result<(), Refused> {
        if payment.0 > 0 { Ok(()) } else { Err(Refused) }
    }

    fn payment_reference(&self) -> String {
        format!("{}/{}", self.order, self.sku)
    }
}

const REGISTRATION: &SagaRegistration = <PlaceOrder as Saga>::REGISTRATION;

fn step(name: &str) -> &'static StepRegistration {
    REGISTRATION.steps.iter().find(|step| step.name == name).unwrap_or_else(|| panic!("there is no step `{name}`"))
}

#[test]
fn what_the_attribute_says_is_registered() {
    let saga = REGISTRATION;
    assert_eq!((saga.name, saga.type_name, saga.version), ("place-an-order", "PlaceOrder", 3));
    assert_eq!((saga.accepts, saga.timeout, saga.concurrency), (&[1, 2][..], Some(Duration::from_hours(1)), 7));
    let collected = swit::__private::inventory::iter::<swit::__private::SagaRef>;
    assert_eq!(collected.into_iter().filter(|found| std::ptr::eq(found.0, REGISTRATION)).count(), 1);
    assert_eq!(PlaceOrder { order: 12, sku: String::new() }.key(), "12");
}

#[test]
fn steps_stand_in_their_order_with_what_undoes_them() {
    let found: Vec<_> = REGISTRATION
        .steps
        .iter()
        .map(|step| (step.name, step.call.function, step.compensation.as_ref().map(|undo| undo.call.function)))
        .collect();
    assert_eq!(
        found,
        [
            ("reserve", "reserve", Some("release")),
            ("take-payment", "charge", Some("refund")),
            ("remind", "remind", None)
        ]
    );
}

#[test]
fn each_function_has_its_policy() {
    let [reserve, charge, remind] = ["reserve", "take-payment", "remind"].map(step);
    assert_eq!(reserve.call.retries, Some(5));
    assert_eq!(reserve.call.backoff, Some(Backoff::fixed(Duration::from_secs(2))));
    assert_eq!(reserve.call.timeout, Duration::from_secs(5));
    assert_eq!(reserve.compensation.as_ref().unwrap().call.retries, Some(10));
    assert_eq!((charge.call.retries, charge.call.backoff), (None, None));
    assert_eq!(charge.call.timeout, Duration::from_secs(30));
    assert_eq!((charge.after, remind.after), (None, Some(Duration::from_mins(10))));
    assert!(REGISTRATION.steps.iter().all(|step| step.wait.is_none()));
}

#[test]
fn what_a_function_takes_is_known() {
    let [reserve, charge, remind] = ["reserve", "take-payment", "remind"].map(step);
    let compensation = |step: &'static StepRegistration| step.compensation.as_ref().unwrap();
    assert_eq!([reserve, charge, remind].map(|step| step.call.transacts), [true, false, false]);
    assert!(compensation(reserve).call.transacts && !compensation(charge).call.transacts);
    assert!(!compensation(reserve).in_doubt, "it takes the output itself");
    assert!(compensation(charge).in_doubt, "it takes an `Option` of the output");
    let mut requirements = swit_runtime::extract::Requirements::default();
    (charge.call.requires)(&mut requirements);
    assert!(format!("{requirements:?}").contains("u64"), "{requirements:?}");
}

#[test]
fn functions_are_found_where_they_stand() {
    let [reserve, charge, remind] = ["reserve", "take-payment", "remind"].map(|name| step(name).call.location);
    assert!(REGISTRATION.location.line < reserve.line && reserve.line < charge.line && charge.line < remind.line);
    assert!(reserve.file.ends_with("sagas.rs") && reserve.module.ends_with("sagas"));
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "thing.done", key = thing)]
struct Done {
    thing: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct MoveThings {
    thing: String,
}

#[saga(key = thing)]
impl MoveThings {
    #[start(retries = 7, dead_letter = "things.dlq")]
    fn begin(event: Done) -> Self {
        Self { thing: event.thing }
    }

    #[wait(key = thing, no_compensation, within = "2d", topic = "thing.*", concurrency = 3, retries = 9, timeout = "7s")]
    async fn moved_once(&self, event: Done) -> Result<String, Refused> {
        Ok(event.thing)
    }

    #[wait(key = of, no_compensation, within = "1h", name = "twice")]
    async fn moved_twice(event: Option<Done>, _store: State<u64>) -> Result<bool, Refused> {
        Ok(event.is_some())
    }

    fn of(event: &Done) -> usize {
        event.thing.len()
    }
}

#[test]
fn what_takes_an_event_is_a_subscriber_with_an_inbox() {
    let saga = <MoveThings as Saga>::REGISTRATION;
    assert_eq!(saga.name, "move-things");
    let named = |name: &str| *saga.subscribers.iter().find(|found| found.name == name).unwrap();
    let [begin, once, twice] = ["begin", "moved-once", "twice"].map(|name| named(&format!("move-things-{name}")));
    assert_eq!(saga.subscribers.len(), 3);
    for subscriber in [begin, once, twice] {
        assert!(subscriber.spec.inbox, "{}", subscriber.name);
        let linked = swit::__private::inventory::iter::<swit::__private::SubscriberRef>;
        assert_eq!(linked.into_iter().filter(|found| std::ptr::eq(found.0, subscriber)).count(), 1);
        let mut requirements = swit_runtime::extract::Requirements::default();
        (subscriber.requires)(&mut requirements);
        assert!(format!("{requirements:?}").contains("move-things"), "{requirements:?}");
    }
    assert_eq!((begin.spec.retries, begin.spec.topics, begin.function), (Some(7), &[][..], "begin"));
    assert_eq!((once.spec.concurrency, once.spec.topics, once.spec.retries), (3, &["thing.*"][..], Some(9)));
    let steps: Vec<_> = saga
        .steps
        .iter()
        .map(|step| (step.name, step.wait.map(|wait| (wait.within, wait.optional)), step.call.retries))
        .collect();
    let within = |hours| Some(Duration::from_hours(hours));
    let expected = [("moved_once", Some((within(48), false)), Some(9)), ("twice", Some((within(1), true)), None)];
    assert_eq!(steps, expected);
    assert_eq!(saga.steps[0].call.timeout, Duration::from_secs(7));
}
