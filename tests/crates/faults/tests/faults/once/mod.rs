//! Effects once, on real servers: each test on PostgreSQL and on a SQLite file, unless only one of them can suffer it.

mod conflicts;
mod duplicates;
mod ground;
mod kills;
mod relays;
mod servers;
mod transactions;

use self::ground::{Ground, Kind};

/// The same test on both databases.
macro_rules! on_both {
    ($($(#[$meta:meta])* $name:ident;)*) => {
        mod on_postgres {$(
            $(#[$meta])*
            #[test]
            fn $name() {
                super::$name(super::Kind::Postgres);
            }
        )*}
        mod on_sqlite {$(
            $(#[$meta])*
            #[test]
            fn $name() {
                super::$name(super::Kind::Sqlite);
            }
        )*}
    };
}
use on_both;
