//! The rows of the outbox, and who relays them.

use std::time::SystemTime;

use crate::{event::Unrouted, message::Message, text::Text};

/// How many partitions an outbox has. All rows of one key are in one.
pub(crate) const PARTITIONS: u16 = 16;

/// A publication that belongs to a transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Enlisted {
    /// The message, complete: nothing is added to it when it is published.
    pub message: Message,
    /// The transport that it is published to.
    pub transport: Text,
    /// What happens where no queue takes it.
    pub unrouted: Unrouted,
    /// Not before then.
    pub due: Option<SystemTime>,
}

impl Enlisted {
    /// The partition that it belongs to: that of its key, else of its id.
    pub(crate) fn partition(&self) -> u16 {
        let mut id = [0; 36];
        let of = self.message.key.as_deref().unwrap_or_else(|| self.message.id.encode(&mut id));
        // FNV-1a: it must be the same in every process, whatever its version.
        let hash = of
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        u16::try_from(hash % u64::from(PARTITIONS)).unwrap_or_default()
    }
}

/// A publication in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The number of its row; rows of one transaction ascend.
    pub row: i64,
    /// The publication; or why it can't be read.
    pub publication: Result<Enlisted, String>,
}

/// Which rows of an outbox are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look<'a> {
    /// Those behind this row,
    pub behind: i64,
    /// up to this one,
    pub until: i64,
    /// without these, in ascending order;
    pub without: &'a [i64],
    /// and no more than so many: the first.
    pub limit: u32,
}

impl Look<'_> {
    /// The first so many of all.
    pub fn first(limit: u32) -> Self {
        Self { behind: i64::MIN, until: i64::MAX, without: &[], limit }
    }
}

/// A publication that could not be made.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Parked {
    /// The number of its row.
    pub row: i64,
    /// The message's id.
    pub id: Text,
    /// The message's topic.
    pub topic: Text,
    /// What was said.
    pub error: Text,
    /// When it was parked.
    pub since: SystemTime,
}

/// A partition, and who relays it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its number.
    pub number: u16,
    /// The relay that has it; empty: nobody.
    pub relay: Text,
    /// The number by which that relay showed last that it lives; `None`: it has shown nothing, or is forgotten.
    pub beat: Option<i64>,
}

/// How much lies in an outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Depth {
    /// Rows that wait to be published; no more than 100,000 are counted.
    pub pending: u64,
    /// Rows that are parked; no more than 100,000 are counted.
    pub parked: u64,
    /// Since when the first of those waits that wait to be published.
    pub oldest: Option<SystemTime>,
}
