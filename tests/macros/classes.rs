//! `#[derive(Classify)]`: classes, what they say of retries, wrapped errors, recognition in boxes.

use std::{io, time::Duration};

use swit::{Backoff, Class, Classification, Classify};
use swit_runtime::classifiers::class_of;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class(system_failure)]
    Unreachable,
    #[error("slow: {0:?}")]
    #[class(throttle, retries = 7, backoff = fixed("2s"), retry_after = 0)]
    Slow(Option<Duration>),
    #[error("payment: {source}")]
    #[class(from)]
    Payment { order: u32, source: PaymentError },
    #[error("a box: {0}")]
    #[class(from)]
    Boxed(Box<dyn std::error::Error + Send + Sync>),
    #[error("a file: {0}")]
    #[class(from)]
    File(#[from] io::Error),
}

#[derive(Debug, thiserror::Error, Classify)]
#[error("declined after {wait:?}")]
#[class(invalid_input)]
struct PaymentError {
    wait: Duration,
}

#[derive(Debug, thiserror::Error)]
#[error("outer")]
struct Unclassified(#[source] OrderError);

fn declined() -> PaymentError {
    PaymentError { wait: Duration::ZERO }
}

#[test]
fn a_class_says_what_its_attribute_says() {
    assert_eq!(OrderError::Unreachable.classify(), Class::SystemFailure.into());
    let slow =
        Classification::new(Class::Throttle).with_retries(7).with_backoff(Backoff::fixed(Duration::from_secs(2)));
    assert_eq!(OrderError::Slow(None).classify(), slow);
    let wait = Duration::from_secs(9);
    assert_eq!(OrderError::Slow(Some(wait)).classify(), slow.with_retry_after(wait));
}

#[test]
fn a_wrapped_error_gives_its_class() {
    let payment = OrderError::Payment { order: 1, source: declined() };
    assert_eq!(payment.classify().class, Class::InvalidInput);
    assert!(matches!(payment, OrderError::Payment { order: 1, .. }));
    assert_eq!(OrderError::Boxed(Box::new(declined())).classify().class, Class::InvalidInput);
    // Nobody classified it: transient, like every unknown error.
    assert_eq!(OrderError::Boxed("?".into()).classify().class, Class::Transient);
    assert_eq!(OrderError::File(io::Error::other("?")).classify().class, Class::Transient);
    assert_eq!(OrderError::File(io::Error::other(declined())).classify().class, Class::InvalidInput);
}

#[test]
fn a_classified_error_is_recognised_in_boxes_and_chains() {
    let boxed: Box<dyn std::error::Error> = Box::new(Unclassified(OrderError::Unreachable));
    assert_eq!(class_of(&*boxed), Some(Class::SystemFailure.into()));
    assert_eq!(class_of(&io::Error::other("?")), None);
}
