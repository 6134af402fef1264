//! Numbers of a service that are counted while it works and read when somebody asks: what the metrics page is made of.
//!
//! Guarantees:
//! - what is counted on the way of a message costs no lock and no allocation (`own`, `durations`, `tally`);
//! - what is written is a valid page, whatever stands in a label (`page`);
//! - a program's own metrics, recorded through the facade of the crate `metrics`, are bounded in number (`recorder`).

mod durations;
mod own;
#[cfg(feature = "prometheus")]
mod page;
#[cfg(feature = "prometheus")]
mod recorder;
mod shared;
mod tally;

pub(crate) use durations::Durations;
pub use durations::Histogram;
pub(crate) use own::Own;
#[cfg(feature = "prometheus")]
pub(crate) use page::{Kind, Page, Summed};
#[cfg(feature = "prometheus")]
pub use recorder::Recorder;
pub(crate) use shared::SharedDurations;
pub(crate) use tally::{AGES, SIZES, age_bucket, size_bucket};
