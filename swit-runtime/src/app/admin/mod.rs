//! The pages for operators, as they are configured: `[admin]`.

mod opening;
#[cfg(feature = "admin")]
mod serving;
#[cfg(not(feature = "admin"))]
mod serving_absent;

pub(crate) use opening::{Opening, opening};
#[cfg(feature = "admin")]
pub(super) use serving::Admin;
#[cfg(not(feature = "admin"))]
pub(super) use serving_absent::Admin;
