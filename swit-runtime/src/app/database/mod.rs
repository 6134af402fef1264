//! The service's database: which one, checked; opened before anything that needs it, closed after all of it; and what runs
//! beside the handlers as long as it is open.

mod cleanup;
mod opening;
mod recovery;
mod running;

pub(crate) use opening::{Opening, opening};
pub(crate) use running::{Opened, open};
