//! What takes part in a transaction, and what it owes.

use std::{any::Any, fmt, sync::Arc};

use crate::{classify::BoxError, text::Text, transport::BoxFuture};

/// Which transaction, of which log of decisions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TransactionId {
    log: Text,
    id: Text,
}

impl TransactionId {
    /// The transaction of this id, in the log of this name.
    pub fn new(log: impl Into<Text>, id: impl Into<Text>) -> Self {
        Self { log: log.into(), id: id.into() }
    }

    /// The name of the log in which it is decided: 16 hexadecimal digits that no other log has.
    pub fn log(&self) -> &Text {
        &self.log
    }

    /// Its id, which no other transaction has: a UUID.
    pub fn id(&self) -> &Text {
        &self.id
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

/// What a participant has open for a transaction until it prepares.
pub type Open = Box<dyn Any + Send>;

/// Something that takes part in transactions: a database, the outbox, a cache.
///
/// After `prepare` succeeded it owes both: to be able to commit and to be able to roll back, whatever happens to this
/// process or to its own. All of it but `begin` may be called again for what was done already, and from another process.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't take part in transactions",
    label = "no participant",
    note = "`PostgresParticipant`, `MessagingParticipant` and `CacheParticipant` do; for something of your own, implement `swit::two_phase::TransactionParticipant`"
)]
pub trait TransactionParticipant: Send + Sync + 'static {
    /// Its name, which no other participant of its coordinator has: 1 to 60 letters, digits, `-`, `_` and `.`. It stands in
    /// the log: it stays the same as long as transactions of it are not over.
    fn name(&self) -> &str;

    /// Whether it can take part at all. Asked once, when the coordinator is opened.
    ///
    /// # Errors
    /// It can't; what to do about it.
    fn check(&self) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    /// Opens its part of a transaction. Dropped, the part is undone, now or soon.
    ///
    /// # Errors
    /// It could not. It is asked to roll back then.
    fn begin<'a>(&'a self, id: &'a TransactionId) -> BoxFuture<'a, Result<Open, BoxError>>;

    /// Makes its part last: from now on it can be committed, come what may.
    ///
    /// # Errors
    /// It could not, or nobody knows. It is asked to roll back then.
    fn prepare<'a>(&'a self, id: &'a TransactionId, open: Open) -> BoxFuture<'a, Result<(), BoxError>>;

    /// Commits what it prepared. What was committed before, it need not do again: that is a success.
    ///
    /// # Errors
    /// It could not, or nobody knows. It is asked again.
    fn commit<'a>(&'a self, id: &'a TransactionId) -> BoxFuture<'a, Result<(), BoxError>>;

    /// Undoes its part, whether or not it was begun or prepared; `open` is what it has open, if it is still there. What is
    /// not there any more is undone. A success means that it will never be prepared either: where `begin` or `prepare` was
    /// cut off and may still be at work, it makes sure of its end first.
    ///
    /// # Errors
    /// It could not, or nobody knows. It is asked again.
    fn rollback<'a>(&'a self, id: &'a TransactionId, open: Option<Open>) -> BoxFuture<'a, Result<(), BoxError>>;

    /// The transactions of this log that it has prepared and that are not over, if it can tell. Those that the log does not
    /// know are rolled back.
    ///
    /// # Errors
    /// It could not be asked.
    fn prepared<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<TransactionId>, BoxError>> {
        let _ = log;
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// A participant whose open part has a type: [`Branches::of`](super::Branches::of) gives it to the business function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it has open in a transaction",
    label = "nothing to be had of it",
    note = "implement `swit::two_phase::Opens` for it: its `Part` is what its `begin` returns in a box"
)]
pub trait Opens: TransactionParticipant {
    /// What its `begin` returns, in a box.
    type Part: Any + Send;
}

impl<P: TransactionParticipant + ?Sized> TransactionParticipant for Arc<P> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn check(&self) -> BoxFuture<'_, Result<(), BoxError>> {
        (**self).check()
    }

    fn begin<'a>(&'a self, id: &'a TransactionId) -> BoxFuture<'a, Result<Open, BoxError>> {
        (**self).begin(id)
    }

    fn prepare<'a>(&'a self, id: &'a TransactionId, open: Open) -> BoxFuture<'a, Result<(), BoxError>> {
        (**self).prepare(id, open)
    }

    fn commit<'a>(&'a self, id: &'a TransactionId) -> BoxFuture<'a, Result<(), BoxError>> {
        (**self).commit(id)
    }

    fn rollback<'a>(&'a self, id: &'a TransactionId, open: Option<Open>) -> BoxFuture<'a, Result<(), BoxError>> {
        (**self).rollback(id, open)
    }

    fn prepared<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<TransactionId>, BoxError>> {
        (**self).prepared(log)
    }
}

impl<P: Opens> Opens for Arc<P> {
    type Part = P::Part;
}
