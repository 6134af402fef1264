//! Composites: several event handlers of one delivery, behind one subscriber.
//!
//! Guarantees:
//! - a handler counts as done once it has returned and what it returned is confirmed; from then on it is not run again for
//!   this message in this process (`progress`), nor after a delayed copy or a replay (`carried`, a header of those);
//! - a handler that panics is a handler that failed; the others run on (`run`);
//! - as long as one handler is to be tried again the message is; once none is, and one was given up, it is a dead letter with
//!   the errors of all that were (`verdict`).

mod carried;
mod failed;
mod progress;
mod run;
mod verdict;

pub(crate) use progress::Progress;
pub use run::run;
