//! The crates that a binary names so that their handlers are linked: `swit::handlers!(orders, payments);`.

use super::Location;

/// What `swit::handlers!` records of the binary and of the crates it names.
#[derive(Debug)]
pub struct LinkedCrates {
    /// Where it stands.
    pub location: Location,
    /// The crates' names as `module_path!()` spells them.
    pub crates: &'static [&'static str],
    /// The binary's package: `CARGO_PKG_NAME`.
    pub package: &'static str,
    /// Its version: `CARGO_PKG_VERSION`.
    pub version: &'static str,
}

inventory::collect!(LinkedCrates);
