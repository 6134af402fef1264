//! Lines of input, from a file or from standard input, in bounded memory.

mod feed;
mod lines;

pub use feed::{Batch, Feed, Source};
pub use lines::{LONGEST_LINE, Line, Lines};
