//! The databases that are measured: a PostgreSQL server and a SQLite file, both of this run alone.

use swit::stores::{PostgresOptions, SqlStore, SqliteOptions, TablePrefix};
use swit_testbed::{Postgres, folder::Folder};

/// They live as long as the run.
pub(crate) struct Servers {
    postgres: Postgres,
    folder: Folder,
}

/// One of them.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) url: String,
}

impl Servers {
    pub(crate) fn start() -> Self {
        Self { postgres: Postgres::durable(), folder: Folder::temporary("bench") }
    }

    pub(crate) fn places(&self) -> [Place; 2] {
        let file = self.folder.path().join("bench.db");
        [
            Place { name: "postgres", url: self.postgres.url() },
            Place { name: "sqlite", url: format!("sqlite:{}", file.display()) },
        ]
    }
}

impl Place {
    /// Its tables, and those of the benchmark's own.
    pub(crate) async fn open(&self) -> SqlStore {
        let prefix = TablePrefix::default();
        match self.url.strip_prefix("sqlite:") {
            Some(path) => SqliteOptions::file(path).prefix(prefix).open().await,
            None => PostgresOptions::url(&self.url).expect("a url").prefix(prefix).open().await,
        }
        .expect("the database opens")
    }
}
