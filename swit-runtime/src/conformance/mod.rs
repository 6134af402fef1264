//! The transport port's contract as tests: every transport passes those that its capabilities claim.
//!
//! ```ignore
//! swit::transport_conformance!(memory, || async { transport() }, [patterns, delay, ttl]);
//! ```
//!
//! expands to a module of that name with one `#[test]` a behaviour, and one that holds the list of capabilities to what
//! the transport says of itself: a behaviour can't be skipped silently. The factory is called once a test and may
//! return a connection to a shared broker: every test uses names of its own. Behaviours use the port alone and real
//! time with generous deadlines.

#![expect(clippy::missing_panics_doc, reason = "a behaviour that the transport does not show panics: it is a test")]

mod claims;
mod closing;
mod declaring;
mod delaying;
mod inspecting;
mod macros;
mod message;
mod ordering;
mod pausing;
mod rig;
mod room;
mod routing;
mod settling;
mod sharing;

pub use claims::claims;
pub use closing::*;
pub use declaring::*;
pub use delaying::*;
pub use inspecting::*;
pub use message::*;
pub use ordering::*;
pub use pausing::*;
pub use rig::{Rig, run};
pub use room::*;
pub use routing::*;
pub use settling::*;
pub use sharing::*;
