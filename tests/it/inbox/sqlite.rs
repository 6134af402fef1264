//! Effects once, on a SQLite file.
