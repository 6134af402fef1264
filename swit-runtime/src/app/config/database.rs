//! `[database]`: where effects are kept, and how.

use std::{fmt, path::PathBuf, time::Duration};

use swit_grammar::Fault;

use super::{
    Set,
    keys::{Key, keys},
    read::{Given, put},
    url::redact,
};
use crate::text::Text;

/// `[database]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DatabaseSettings {
    /// Where it is.
    pub url: Option<Set<DatabaseUrl>>,
    /// What the names of swit's tables begin with.
    pub prefix: Option<Set<Text>>,
    /// How many connections there are at most.
    pub connections: Option<Set<u32>>,
    /// Whether what is missing of the tables is made at start.
    pub migrate: Option<Set<bool>>,
    /// How long the inbox remembers.
    pub retention: Option<Set<Duration>>,
    /// Whether this process relays the outbox.
    pub relay: Option<Set<bool>>,
    /// How often the relay looks where nobody tells it of a commit.
    pub poll: Option<Set<Duration>>,
    /// How long a relay may be silent before others take over.
    pub lease: Option<Set<Duration>>,
    /// How many rows the relay fetches at once.
    pub batch: Option<Set<u32>>,
}

keys! {
    /// `[database]`.
    DATABASE of DatabaseSettings:
    url by database_url, "`sqlite:orders.db`, `postgres://user:password@host/database`, or `memory:` for tests";
    prefix by table_prefix, "lower-case letters, digits and `_`, such as \"swit_\"";
    connections by connections, "a whole number from 2 to 1000";
    migrate by boolean, "`true` or `false`";
    retention by duration, "a duration as text, such as \"7d\"";
    relay by boolean, "`true` or `false`";
    poll by duration, "a duration as text, such as \"1s\"";
    lease by lease, "a duration from 1s, as text, such as \"10s\"";
    batch by relayed, "a whole number from 1 to 10000";
}

/// How long the inbox remembers where nobody says otherwise.
pub(in crate::app) const RETENTION: Duration = Duration::from_hours(7 * 24);

/// Where a database is. `Debug` and `Display` show it without its password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file: `sqlite:orders.db`.
    Sqlite(PathBuf),
    /// A server: `postgres://user:password@host:port/database`.
    Postgres(String),
    /// The process's memory: `memory:`. For tests.
    Memory,
}

impl DatabaseUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// It is none. The fault shows no password.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        match scheme.to_ascii_lowercase().as_str() {
            "memory" if rest.is_empty() || rest == "//" => Ok(Self::Memory),
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.is_empty() || path.contains(['?', ':']) {
                    return Err(Fault::new("the url of a SQLite database is a path and nothing more", ""));
                }
                if path.chars().any(char::is_control) {
                    return Err(Fault::new("the path holds a control character", ""));
                }
                Ok(Self::Sqlite(path.into()))
            }
            "postgres" | "postgresql" if rest.starts_with("//") => Ok(Self::Postgres(text.to_owned())),
            _ => Err(Fault::new("what is written is not the url of a database", "")),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&redact(url)),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Given<'_> {
    fn database_url(&self) -> Result<DatabaseUrl, Fault> {
        // `text` would show what it refuses.
        self.value.as_str().map_or_else(|| Err(Fault::new("this is not text", "")), DatabaseUrl::parse)
    }

    fn table_prefix(&self) -> Result<Text, Fault> {
        let text = self.text()?.trim();
        swit_grammar::name::check_table_prefix(text).map(|()| text.into())
    }

    fn connections(&self) -> Result<u32, Fault> {
        self.within(2, 1_000)
    }

    fn relayed(&self) -> Result<u32, Fault> {
        self.within(1, 10_000)
    }

    fn lease(&self) -> Result<Duration, Fault> {
        let lease = self.duration()?;
        if lease < Duration::from_secs(1) {
            return Err(Fault::new(
                format!("{lease:?} is shorter than a second, which a busy machine may be silent for"),
                "",
            ));
        }
        Ok(lease)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Known, Layers};
    use super::*;

    fn read(text: &str) -> (DatabaseSettings, Vec<String>) {
        let (settings, faults) = Layers::none().text("swit.toml", text).read(&Known::default());
        (settings.database, faults.iter().map(|fault| format!("{}; {}", fault.message, fault.help)).collect())
    }

    #[test]
    fn what_is_written_is_read_and_shows_no_password() {
        let (database, faults) = read(
            "[database]\nurl = 'postgres://u:hunter2@h/d'\nprefix = 'a_'\nconnections = 2\nmigrate = true\nretention = '1d'\n\
             relay = false\npoll = '10ms'\nlease = '1s'\nbatch = 7",
        );
        assert_eq!(faults, Vec::<String>::new());
        assert!(!format!("{database:?}").contains("hunter2"), "{database:?}");
        assert_eq!(database.batch.map(|set| set.value), Some(7));
        for (text, shown) in
            [("sqlite:a b.db", "sqlite:a b.db"), ("sqlite:///tmp/x.db", "sqlite:/tmp/x.db"), ("MEMORY:", "memory:")]
        {
            assert_eq!(DatabaseUrl::parse(text).map(|url| url.to_string()), Ok(shown.to_owned()));
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (key, said) in [
            (
                "url = 'mysql://u:hunter2@h/d'",
                "`database.url`: what is written is not the url of a database; write `sqlite:",
            ),
            ("url = 'hunter2'", "is not the url of a database"),
            ("url = 7", "this is not text"),
            ("url = 'sqlite:'", "is a path and nothing more"),
            ("url = 'sqlite::memory:'", "is a path and nothing more"),
            ("url = 'sqlite:a?mode=ro'", "is a path and nothing more"),
            ("prefix = 'A-'", "`A-` can't begin the name of a table"),
            ("connections = 1", "1 is not between 2 and 1000"),
            ("lease = '10ms'", "shorter than a second"),
            ("batch = 0", "0 is not between 1 and 10000"),
            ("retention = '0s'", "`database.retention`"),
            ("tables = 'x'", "there is no key `tables`"),
        ] {
            let (_, faults) = read(&format!("[database]\n{key}"));
            assert!(faults.len() == 1 && faults[0].contains(said), "{key}: {faults:?}");
            assert!(!faults[0].contains("hunter2"), "{faults:?}");
        }
    }
}
