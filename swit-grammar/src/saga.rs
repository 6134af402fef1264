//! What the keys of one saga and of its functions must be, wherever they are written.

use std::time::Duration;

use crate::{
    Backoff, Fault,
    limits::{DEFAULT_TIMEOUT, MAX_CONCURRENCY, MAX_RETRIES},
};

/// Instances that one process runs at once where nobody says otherwise.
pub const DEFAULT_CONCURRENCY: u32 = 32;
/// Longest that one attempt of a function of a saga may take. What takes longer is waited for: by `#[wait]`, or `after`.
pub const MAX_STEP_TIMEOUT: Duration = Duration::from_hours(24);

/// The keys of one saga.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    /// Its version.
    pub version: u32,
    /// Time that an instance may take, where written.
    pub timeout: Option<Duration>,
    /// How many instances one process runs at once.
    pub concurrency: u32,
}

impl Keys {
    /// Everything that these keys say wrong.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut refuse = |key, message: String, help: &str| faults.push(Fault::new(message, help).at(key));
        if self.version == 0 {
            refuse("version", "`version` is 0".into(), "versions count from 1");
        }
        if self.timeout.is_some_and(|timeout| timeout.is_zero()) {
            refuse("timeout", "`timeout` is zero".into(), "give an instance time, such as \"1h\", or leave it out");
        }
        if self.concurrency == 0 || self.concurrency > MAX_CONCURRENCY {
            refuse("concurrency", format!("`concurrency` is {}", self.concurrency), "use 1 to 65535 instances");
        }
        faults
    }

    /// Whether instances of another version can be accepted, in the place that it has among all that are.
    ///
    /// # Errors
    /// It is none, this version itself, or was listed before.
    pub fn accepts(&self, version: u32, before: &[u32]) -> Result<(), Fault> {
        let refuse = |message: String, help: &str| Err(Fault::new(message, help).at("accepts"));
        if version == 0 {
            return refuse("`accepts` lists the version 0".into(), "versions count from 1");
        }
        if version == self.version {
            let help = "its own instances are always its own; list the other versions whose instances it goes on with";
            return refuse(format!("`accepts` lists {version}, which is this `version`"), help);
        }
        if before.contains(&version) {
            return refuse(format!("`accepts` lists {version} twice"), "keep one of them");
        }
        Ok(())
    }
}

/// The keys of one function of a saga.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Time that one attempt may take.
    pub timeout: Duration,
    /// Retries, where written.
    pub retries: Option<u32>,
    /// Backoff, where written.
    pub backoff: Option<Backoff>,
}

impl Call {
    /// With nothing written.
    pub const DEFAULT: Self = Self { timeout: DEFAULT_TIMEOUT, retries: None, backoff: None };

    /// Everything that these keys say wrong.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.timeout.is_zero() {
            faults.push(Fault::new("`timeout` is zero", "give an attempt time, such as \"30s\"").at("timeout"));
        }
        if self.timeout > MAX_STEP_TIMEOUT {
            let help =
                "give an attempt at most \"24h\"; what takes longer is told by an event, and waited for: `#[wait]`";
            faults.push(Fault::new("`timeout` is more than a day", help).at("timeout"));
        }
        if let Some(retries) = self.retries.filter(|retries| *retries > MAX_RETRIES) {
            faults.push(Fault::new(format!("`retries` is {retries}"), "use at most 100").at("retries"));
        }
        if let Some(Err(fault)) = self.backoff.map(|backoff| backoff.check()) {
            faults.push(fault.at("backoff"));
        }
        faults
    }
}

/// Checks a time that a saga waits for: `after`, `within`.
///
/// # Errors
/// It is zero.
pub fn check_wait(key: &'static str, wait: Duration) -> Result<(), Fault> {
    if wait.is_zero() {
        return Err(Fault::new(format!("`{key}` is zero"), "write how long, such as \"10m\", or leave it out").at(key));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: Keys = Keys { version: 2, timeout: None, concurrency: DEFAULT_CONCURRENCY };

    #[test]
    fn defaults_are_right() {
        assert_eq!((KEYS.faults(), Call::DEFAULT.faults()), (Vec::new(), Vec::new()));
    }

    #[test]
    fn every_fault_of_a_saga_is_found_at_its_key() {
        let wrong = Keys { version: 0, timeout: Some(Duration::ZERO), concurrency: 65_536 };
        let found: Vec<_> = wrong.faults().iter().map(|fault| fault.key).collect();
        assert_eq!(found, ["version", "timeout", "concurrency"]);
    }

    #[test]
    fn other_versions_are_accepted_once() {
        assert_eq!(KEYS.accepts(1, &[3]), Ok(()));
        for (version, before) in [(0, &[][..]), (2, &[]), (1, &[1])] {
            assert!(KEYS.accepts(version, before).is_err(), "{version}");
        }
    }

    #[test]
    fn every_fault_of_a_function_is_found_at_its_key() {
        let found = |call: Call| call.faults().iter().map(|fault| fault.key).collect::<Vec<_>>();
        assert_eq!(found(Call { timeout: MAX_STEP_TIMEOUT, ..Call::DEFAULT }), Vec::<&str>::new());
        assert_eq!(found(Call { timeout: MAX_STEP_TIMEOUT + Duration::from_secs(1), ..Call::DEFAULT }), ["timeout"]);
        let backoff = Some(Backoff::fixed(Duration::ZERO));
        let wrong = Call { timeout: Duration::ZERO, retries: Some(101), backoff };
        assert_eq!(found(wrong), ["timeout", "retries", "backoff"]);
        assert!(check_wait("after", Duration::ZERO).is_err() && check_wait("after", Duration::from_secs(1)).is_ok());
    }
}
