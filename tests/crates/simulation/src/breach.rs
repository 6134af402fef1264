//! Promises that a world breaks on purpose: whoever looks at what is left must see it.

/// A promise that is broken: by the store, by the broker, or by the saga's author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// Whoever was taken for dead is told that it saved its instance.
    HideTheLoss,
    /// An event for a saga is thrown away.
    LoseTheMail,
    /// Every message is new.
    ForgetTheClaim,
    /// A transaction that says that it was committed was not, now and then.
    LoseCommits,
    /// What the outbox hands out is not in it any more.
    HandOutOnce,
    /// What the dead had stays theirs.
    NoTakeover,
    /// What somebody wants of an instance is forgotten.
    ForgetTheWish,
    /// Each attempt has an idempotency key of its own.
    NewKeys,
    /// What was done first is undone first.
    UndoForward,
    /// That a step has ended is not written down, now and then.
    LoseTheEnd,
    /// An instance that is taken is not marked as taken.
    TakeWithoutTaking,
    /// What is written in a transaction is there though it was not committed: a state.
    DirtyStates,
}

impl Breach {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::HideTheLoss,
        Self::LoseTheMail,
        Self::ForgetTheClaim,
        Self::LoseCommits,
        Self::HandOutOnce,
        Self::NoTakeover,
        Self::ForgetTheWish,
        Self::NewKeys,
        Self::UndoForward,
        Self::LoseTheEnd,
        Self::TakeWithoutTaking,
        Self::DirtyStates,
    ];
}
