//! What the keys of a health check may say.

use std::time::Duration;

use crate::{Fault, duration};

/// How long a check may take where nobody says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than this nobody who asks waits.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads how long a check may take.
///
/// # Errors
/// It is no duration, zero, or above [`MAX_TIMEOUT`].
pub fn timeout(text: &str) -> Result<Duration, Fault> {
    let timeout = duration::parse_positive(text)?;
    if timeout > MAX_TIMEOUT {
        let why = format!("`{text}` is longer than {}", duration::format(MAX_TIMEOUT));
        return Err(Fault::new(why, "a check is quick: whoever asks for the health page waits for it"));
    }
    Ok(timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_quick() {
        assert_eq!(timeout("2s"), Ok(Duration::from_secs(2)));
        for (text, why) in [("0s", "is zero"), ("31s", "is longer than 30s"), ("5", "has no unit")] {
            assert!(timeout(text).is_err_and(|fault| fault.message.contains(why)), "{text}");
        }
    }
}
