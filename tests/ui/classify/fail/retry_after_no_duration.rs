//! A field that is no duration.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("slow")]
    #[class(throttle, retry_after = after)]
    Slow { after: u64 },
}

fn main() {}
