//! What an input is known by, so that a second start on the same file goes on where the first one was.

use std::{
    fs::File,
    io::{self, Read},
    time::SystemTime,
};

use swit::MessageId;
use swit_orders::input::Source;

/// A file is known by its content; what can be read only once, a pipe for one, by the run that reads it.
///
/// # Errors
/// The file can't be read.
pub(crate) fn name(source: &Source) -> io::Result<String> {
    match source {
        Source::File(path) => {
            let file = File::open(path)?;
            if file.metadata()?.is_file() { digest(file) } else { Ok(of_this_run()) }
        }
        Source::Stdin => Ok(of_this_run()),
    }
}

fn of_this_run() -> String {
    format!("run-{}", MessageId::new(SystemTime::now()))
}

/// FNV-1a, and how long it is: against mistakes, not against those who want two files to be one.
fn digest(mut input: impl Read) -> io::Result<String> {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let (mut hash, mut length) = (OFFSET, 0_u64);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match input.read(&mut buffer) {
            Ok(0) => return Ok(format!("file-{hash:016x}-{length}")),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        length += read as u64;
        for byte in &buffer[..read] {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_what_counts() {
        assert_eq!(digest(&b"foobar"[..]).unwrap(), "file-85944171f73967e8-6");
        assert_ne!(digest(&b"foobaz"[..]).unwrap(), digest(&b"foobar"[..]).unwrap());
        assert_ne!(name(&Source::Stdin).unwrap(), name(&Source::Stdin).unwrap());
        assert!(name(&Source::File("/no/such/file".into())).is_err());
    }
}
