//! A field that is not there.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("slow")]
    #[class(throttle, retry_after = afer)]
    Slow { after: std::time::Duration },
}

fn main() {}
