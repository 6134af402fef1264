//! Places at which a test may end the process, as a crash would, and guarantees that a test may break, to show that it
//! would notice: feature `failpoints`, and nothing at all without it.
//!
//! `SWIT_FAILPOINT=after_handler:3` ends it at the third time that `after_handler` is passed.
//! `SWIT_SABOTAGE=no_resubscribe,…` breaks guarantees for as long as the process lives.

/// The places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failpoint {
    /// An attempt is about to begin.
    BeforeHandler,
    /// The handler has returned.
    AfterHandler,
    /// What the handler returned is confirmed; its input is not acknowledged yet.
    BeforeAck,
    /// A copy is confirmed; the input that it replaces is not acknowledged yet.
    AfterCopy,
    /// All is written in a transaction, which is not committed yet.
    BeforeCommit,
    /// A transaction is committed; nobody knows yet.
    AfterCommit,
    /// A function of a saga is about to be called: that it may be is written.
    BeforeStep,
    /// A function of a saga has returned; that it has is not written yet.
    AfterStep,
    /// A relay's publications are confirmed; their rows are in the outbox still.
    BeforeRemoval,
    /// It is written that a transaction over several participants begins.
    TwoPhaseBegun,
    /// All participants are open.
    TwoPhaseOpen,
    /// The business function has returned; nobody prepares yet.
    TwoPhaseUnprepared,
    /// A participant has prepared; others may not have.
    TwoPhasePrepared,
    /// All have prepared; nothing is decided.
    TwoPhaseUndecided,
    /// The decision is written.
    TwoPhaseDecided,
    /// A participant has committed; others may not have.
    TwoPhaseCommitted,
    /// It is to be aborted; nobody has rolled back yet.
    TwoPhaseAborting,
    /// A participant has rolled back; others may not have.
    TwoPhaseRolledBack,
    /// The transaction is over, and forgotten.
    TwoPhaseForgotten,
    /// A PostgreSQL participant is about to prepare.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "there is no such participant"))]
    PostgresUnprepared,
    /// A PostgreSQL participant has prepared.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "there is no such participant"))]
    PostgresPrepared,
    /// A PostgreSQL participant is about to commit.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "there is no such participant"))]
    PostgresUncommitted,
    /// A PostgreSQL participant has committed.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "there is no such participant"))]
    PostgresCommitted,
}

macro_rules! sabotages {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// The guarantees that can be broken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[cfg_attr(
            not(feature = "rabbitmq"),
            expect(dead_code, reason = "most are guarantees of the RabbitMQ transport")
        )]
        pub(crate) enum Sabotage {
            $($(#[$doc])* $name,)*
        }

        #[cfg(feature = "failpoints")]
        impl Sabotage {
            fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

sabotages! {
    /// A delivery is acknowledged before its handler ran.
    AckBeforeHandler = "ack_before_handler";
    /// A delivery is acknowledged before the copy that replaces it is confirmed.
    AckBeforeCopy = "ack_before_copy";
    /// A subscription that was interrupted stays so.
    NoResubscribe = "no_resubscribe";
    /// What was sent counts as confirmed.
    TrustUnconfirmed = "trust_unconfirmed";
    /// A verdict applies to whatever channel there is.
    NoGenerationFence = "no_generation_fence";
    /// Silence of the broker means nothing.
    NoHeartbeat = "no_heartbeat";
    /// A broker that says nothing for three seconds is given up.
    Impatience = "impatience";
    /// A message that comes back again and again is handled among all others.
    NoSuspects = "no_suspects";
    /// Topology that differs is tried again and again.
    InsistOnTopology = "insist_on_topology";
    /// A shutdown waits for its handlers as long as they take.
    NoDeadline = "no_deadline";
    /// A shutdown cancels its handlers at once.
    AbandonHandlers = "abandon_handlers";
    /// A message that is given up is rejected, for the broker to dead-letter it by its own binding.
    DeadLetterByReject = "dead_letter_by_reject";
    /// A subscription whose session ended for whatever reason stays so.
    StayDown = "stay_down";
    /// All that the broker has is prefetched.
    PrefetchAll = "prefetch_all";
    /// Every fiftieth delivery is acknowledged without a handler.
    SkipADelivery = "skip_a_delivery";
    /// What is requeued is acknowledged, now and then.
    ForgetARequeue = "forget_a_requeue";
    /// Messages are published without their id.
    ForgetTheId = "forget_the_id";
    /// What the broker returns is taken for whatever was confirmed with it.
    TakeAnyReturn = "take_any_return";
    /// What the broker refused counts as confirmed.
    TakeANackForAnAck = "take_a_nack_for_an_ack";
    /// What was on its way when its channel ended counts as confirmed.
    ConfirmWhatIsLost = "confirm_what_is_lost";
    /// Whoever publishes waits as long as it takes.
    WaitForEver = "wait_for_ever";
    /// Addresses are shown with their passwords.
    ShowThePassword = "show_the_password";
    /// Every delay is as long as the shortest.
    DelayAllAlike = "delay_all_alike";
    /// Publications whose publishers have left stay in the line.
    KeepWhatNobodyWaitsFor = "keep_what_nobody_waits_for";
    /// A delivery whose handler panicked is neither settled nor given back.
    LeakAfterAPanic = "leak_after_a_panic";
    /// A copy is published twice.
    CopyTwice = "copy_twice";
    /// A breaker that is open keeps nobody from pulling.
    PullWhileOpen = "pull_while_open";
    /// What the broker was given back only because it had waited counts as if its process had crashed.
    CountWhatWaited = "count_what_waited";
    /// What can never succeed is tried again.
    RetryWhatIsPoison = "retry_what_is_poison";
    /// A step of a saga that may have been done is not undone.
    TrustTheDoubtful = "trust_the_doubtful";
    /// An inbox takes every message for a new one.
    ForgetTheClaim = "forget_the_claim";
    /// A commit whose answer was lost counts as done.
    TrustALostCommit = "trust_a_lost_commit";
    /// What is published in a transaction goes to the broker at once.
    PublishBeforeCommit = "publish_before_commit";
    /// A relay removes rows before their publications are confirmed.
    RemoveBeforeConfirm = "remove_before_confirm";
    /// A relay leaves the dead what they had.
    NoTakeover = "no_takeover";
    /// A relay publishes the last of its rows first.
    LastFirst = "last_first";
    /// A transaction that another one was in the way of is not tried again.
    ConflictsAreFinal = "conflicts_are_final";
    /// A transaction over several participants that was interrupted stays so.
    LeaveInDoubt = "leave_in_doubt";
    /// Participants commit before it is written that they are to.
    CommitUndecided = "commit_undecided";
}

/// Whether a test broke this guarantee.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
#[expect(clippy::inline_always, reason = "it is a constant")]
pub(crate) fn is_broken(_: Sabotage) -> bool {
    false
}

/// Whether a test broke this guarantee.
#[cfg(feature = "failpoints")]
pub(crate) fn is_broken(guarantee: Sabotage) -> bool {
    static BROKEN: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let broken = BROKEN.get_or_init(|| std::env::var("SWIT_SABOTAGE").unwrap_or_default());
    broken.split(',').any(|name| name == guarantee.name())
}

/// Ends the process if a test asked for it.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub(crate) fn hit(_: Failpoint) {}

/// Ends the process if a test asked for it.
#[cfg(feature = "failpoints")]
pub(crate) fn hit(point: Failpoint) {
    armed::hit(point);
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };

    use super::Failpoint;

    struct Armed {
        name: String,
        nth: u64,
        passed: AtomicU64,
    }

    fn name(point: Failpoint) -> &'static str {
        match point {
            Failpoint::BeforeHandler => "before_handler",
            Failpoint::AfterHandler => "after_handler",
            Failpoint::BeforeAck => "before_ack",
            Failpoint::AfterCopy => "after_copy",
            Failpoint::BeforeCommit => "before_commit",
            Failpoint::AfterCommit => "after_commit",
            Failpoint::BeforeStep => "before_step",
            Failpoint::AfterStep => "after_step",
            Failpoint::BeforeRemoval => "before_removal",
            Failpoint::TwoPhaseBegun => "two_phase_begun",
            Failpoint::TwoPhaseOpen => "two_phase_open",
            Failpoint::TwoPhaseUnprepared => "two_phase_unprepared",
            Failpoint::TwoPhasePrepared => "two_phase_prepared",
            Failpoint::TwoPhaseUndecided => "two_phase_undecided",
            Failpoint::TwoPhaseDecided => "two_phase_decided",
            Failpoint::TwoPhaseCommitted => "two_phase_committed",
            Failpoint::TwoPhaseAborting => "two_phase_aborting",
            Failpoint::TwoPhaseRolledBack => "two_phase_rolled_back",
            Failpoint::TwoPhaseForgotten => "two_phase_forgotten",
            Failpoint::PostgresUnprepared => "postgres_unprepared",
            Failpoint::PostgresPrepared => "postgres_prepared",
            Failpoint::PostgresUncommitted => "postgres_uncommitted",
            Failpoint::PostgresCommitted => "postgres_committed",
        }
    }

    pub(super) fn hit(point: Failpoint) {
        static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
        let armed = ARMED.get_or_init(|| {
            let text = std::env::var("SWIT_FAILPOINT").ok()?;
            let (name, nth) = text.split_once(':').unwrap_or((&text, "1"));
            Some(Armed { name: name.to_owned(), nth: nth.parse().ok()?, passed: AtomicU64::new(0) })
        });
        if let Some(armed) = armed.as_ref().filter(|armed| armed.name == name(point))
            && armed.passed.fetch_add(1, Ordering::SeqCst) + 1 == armed.nth
        {
            // No destructor runs, nothing is flushed: a crash.
            std::process::abort();
        }
    }
}
