//! A class at a field, where thiserror has its `#[from]`.

use swit::Classify;

#[derive(Debug, Classify)]
enum OrderError {
    #[class(transient)]
    Io(#[class(from)] std::io::Error),
    #[class(permanent)]
    Closed,
}

fn main() {}
