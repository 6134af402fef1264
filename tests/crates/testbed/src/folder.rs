//! Temporary folders that only their owner can read.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use rand::{Rng as _, rngs::SmallRng};

/// A new folder below the system's temporary one. Nobody removes it but who made it.
pub(crate) fn temporary(kind: &str) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("swit-{kind}-{}-{number}-{:08x}", process::id(), rand::make_rng::<SmallRng>().next_u32());
    let path = std::env::temp_dir().join(name);
    fs::DirBuilder::new().mode(0o700).create(&path).expect("a temporary folder can be made");
    path
}

/// A temporary folder that goes away with its value, such as the one of a test's ledgers.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes a new folder, whose name says what it is for.
    pub fn temporary(kind: &str) -> Self {
        Self(temporary(kind))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, text: &str) {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .unwrap_or_else(|error| panic!("cannot write `{}`: {error}", path.display()));
}
