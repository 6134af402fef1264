//! The steps by which tables come to be, in order.

use std::borrow::Cow;

/// One step: statements for each database, applied once.
#[derive(Debug, Clone)]
pub(crate) struct Migration {
    sqlite: Cow<'static, str>,
    postgres: Cow<'static, str>,
}

/// The steps of one owner, in order. What was applied once is not changed any more; what is new is added at the end.
///
/// ```ignore
/// Migrations::new("orders")
///     .step("CREATE TABLE orders (id TEXT PRIMARY KEY, total BIGINT NOT NULL)")
///     .step_for("ALTER TABLE orders ADD paid_at INTEGER", "ALTER TABLE orders ADD paid_at TIMESTAMPTZ")
/// ```
#[derive(Debug, Clone)]
pub struct Migrations {
    owner: String,
    steps: Vec<Migration>,
}

impl Migrations {
    /// No steps yet, of this owner: a name that no other set of steps in the same database has. `swit` is taken.
    pub fn new(owner: impl Into<String>) -> Self {
        Self { owner: owner.into(), steps: Vec::new() }
    }

    /// A step that both databases understand: one statement or several, with `;` between them.
    #[must_use]
    pub fn step(self, both: impl Into<Cow<'static, str>>) -> Self {
        let both = both.into();
        self.step_for(both.clone(), both)
    }

    /// A step that is written differently for each database.
    #[must_use]
    pub fn step_for(mut self, sqlite: impl Into<Cow<'static, str>>, postgres: impl Into<Cow<'static, str>>) -> Self {
        self.steps.push(Migration { sqlite: sqlite.into(), postgres: postgres.into() });
        self
    }

    /// Whose they are.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The step of this number, from 0.
    #[cfg_attr(not(any(feature = "sqlite", feature = "postgres")), expect(dead_code, reason = "nothing is migrated"))]
    pub(crate) fn at(&self, step: usize) -> &Migration {
        &self.steps[step]
    }
}

#[cfg_attr(not(any(feature = "sqlite", feature = "postgres")), expect(dead_code, reason = "nothing is migrated"))]
impl Migration {
    pub(crate) fn sqlite(&self) -> &str {
        &self.sqlite
    }

    pub(crate) fn postgres(&self) -> &str {
        &self.postgres
    }
}
