//! Errors with parameters, which are not recognised in boxes but say their class.

use std::fmt::Debug;
use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum Failed<T: Debug + Send + Sync + 'static> {
    #[error("lost")]
    #[class(transient)]
    Lost(T),
}

#[derive(Debug, thiserror::Error, Classify)]
#[error("slow")]
#[class(throttle, retry_after = 0)]
struct Slow(std::time::Duration);

#[derive(Debug, thiserror::Error, Classify)]
enum Never {}

#[test]
fn works() {
    assert_eq!(swit::Classify::classify(&Failed::Lost(1)).class, Class::Transient);
    let wait = std::time::Duration::from_secs(3);
    assert_eq!(swit::Classify::classify(&Slow(wait)).retry_after, Some(wait));
    let _: Option<Never> = None;
}
