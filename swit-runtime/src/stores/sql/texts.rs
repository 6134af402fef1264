//! The statements, with the names of the tables that they are about.

use std::fmt::{self, Write as _};

use super::sagas_texts::SagaTexts;
use crate::store::{Look, Partition};

/// What the names of swit's tables begin with: `swit_` unless something else is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablePrefix(String);

impl TablePrefix {
    /// Lower-case letters, digits and `_`, the first one no digit, at most 40 of them.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(text: &str) -> Result<Self, swit_grammar::Fault> {
        swit_grammar::name::check_table_prefix(text).map(|()| Self(text.to_owned()))
    }

    /// The prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TablePrefix {
    fn default() -> Self {
        Self("swit_".to_owned())
    }
}

impl fmt::Display for TablePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The statements.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) prefix: TablePrefix,
    pub(super) claim: String,
    pub(super) keep: String,
    pub(super) result: String,
    pub(super) forget: String,
    pub(super) partitions: String,
    pub(super) own: String,
    pub(super) relays: String,
    pub(super) leave: String,
    pub(super) beat: String,
    pub(super) park: String,
    pub(super) parked: String,
    pub(super) depth: String,
    pub(super) due: String,
    pub(super) sagas: SagaTexts,
}

impl Texts {
    pub(super) fn new(prefix: TablePrefix) -> Self {
        let p = &prefix;
        Self {
            claim: format!(
                "INSERT INTO {p}inbox (claimant, message, handled_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
            ),
            keep: format!("UPDATE {p}inbox SET result = $3 WHERE claimant = $1 AND message = $2"),
            result: format!("SELECT result FROM {p}inbox WHERE claimant = $1 AND message = $2"),
            forget: format!(
                "DELETE FROM {p}inbox WHERE (claimant, message) IN \
                 (SELECT claimant, message FROM {p}inbox WHERE handled_at < $1 ORDER BY handled_at LIMIT $2)"
            ),
            partitions: format!(
                "SELECT p.part, p.relay, r.beat FROM {p}partition p LEFT JOIN {p}relay r ON r.relay = p.relay \
                 ORDER BY p.part"
            ),
            own: format!("SELECT part FROM {p}partition WHERE relay = $1 ORDER BY part"),
            relays: format!("SELECT relay, beat FROM {p}relay"),
            leave: format!("DELETE FROM {p}relay WHERE relay = $1 AND beat = COALESCE(CAST($2 AS BIGINT), beat)"),
            beat: format!(
                "INSERT INTO {p}relay (relay, beat) VALUES ($1, 1) ON CONFLICT (relay) DO UPDATE SET beat = {p}relay.beat + 1"
            ),
            park: format!("UPDATE {p}outbox SET parked_at = $2, error = $3 WHERE row_number = $1"),
            parked: format!(
                "SELECT row_number, envelope, error, parked_at FROM {p}outbox \
                 WHERE parked_at IS NOT NULL AND row_number > $1 ORDER BY row_number LIMIT $2"
            ),
            depth: format!(
                "SELECT (SELECT count(*) FROM (SELECT 1 FROM {p}outbox WHERE parked_at IS NULL LIMIT 100000) AS pending), \
                 (SELECT count(*) FROM (SELECT 1 FROM {p}outbox WHERE parked_at IS NOT NULL LIMIT 100000) AS parked), \
                 (SELECT stored_at FROM {p}outbox WHERE parked_at IS NULL ORDER BY row_number LIMIT 1)"
            ),
            due: format!(
                "INSERT INTO {p}job (name, begun_at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET begun_at = $2 \
                 WHERE {p}job.begun_at <= $3"
            ),
            sagas: SagaTexts::new(prefix.clone()),
            prefix,
        }
    }

    /// Rows of some partitions, or of all.
    pub(super) fn pending(&self, partitions: &[u16], all: bool, look: &Look<'_>) -> String {
        let p = &self.prefix;
        let mut of = if all { String::new() } else { format!(" AND part IN ({})", list(partitions)) };
        // Writing to a `String` can't fail.
        if look.behind != i64::MIN {
            let _ = write!(of, " AND row_number > {}", look.behind);
        }
        if look.until != i64::MAX {
            let _ = write!(of, " AND row_number <= {}", look.until);
        }
        if !look.without.is_empty() {
            let _ = write!(of, " AND row_number NOT IN ({})", list(look.without));
        }
        format!(
            "SELECT row_number, envelope, payload FROM {p}outbox WHERE transport = $2 AND parked_at IS NULL{of} \
             ORDER BY row_number LIMIT $1"
        )
    }

    /// How many rows wait for others than so many transports.
    pub(super) fn waiting_beside(&self, transports: usize) -> String {
        let values: Vec<String> = (1..=transports).map(|value| format!("${value}")).collect();
        let (p, values) = (&self.prefix, values.join(", "));
        let of = if transports == 0 { String::new() } else { format!(" AND transport NOT IN ({values})") };
        format!(
            "SELECT transport, count(*) FROM \
             (SELECT transport FROM {p}outbox WHERE parked_at IS NULL{of} LIMIT 100000) AS waiting \
             GROUP BY transport ORDER BY transport"
        )
    }

    /// So many rows at once.
    pub(super) fn enlist(&self, rows: usize, notifies: bool) -> String {
        let p = &self.prefix;
        let values: Vec<String> = (0..rows)
            .map(|row| {
                let at = row * 5;
                format!("(${}, ${}, ${}, ${}, ${})", at + 1, at + 2, at + 3, at + 4, at + 5)
            })
            .collect();
        let told = if notifies { format!(" RETURNING (SELECT pg_notify('{p}outbox', ''))") } else { String::new() };
        let values = values.join(", ");
        format!("INSERT INTO {p}outbox (part, transport, envelope, payload, stored_at) VALUES {values}{told}")
    }

    pub(super) fn done(&self, rows: &[i64]) -> String {
        format!("DELETE FROM {}outbox WHERE row_number IN ({})", self.prefix, list(rows))
    }

    /// Those that still belong to whom they were seen to: `$2`, `$3` and so on.
    pub(super) fn take(&self, seen: &[Partition]) -> String {
        let pairs = seen.iter().zip(2..).map(|(partition, value)| format!("({}, ${value})", partition.number));
        let (p, pairs) = (&self.prefix, pairs.collect::<Vec<_>>().join(", "));
        format!("UPDATE {p}partition SET relay = $1 WHERE (part, relay) IN (VALUES {pairs}) RETURNING part")
    }

    /// The numbers of so many relays, `$1`, `$2` and so on; locked, none of them changes before the transaction ends.
    pub(super) fn beats(&self, relays: usize, locked: bool) -> String {
        let values: Vec<String> = (1..=relays).map(|value| format!("${value}")).collect();
        let (p, values, lock) = (&self.prefix, values.join(", "), if locked { " FOR SHARE" } else { "" });
        format!("SELECT relay, beat FROM {p}relay WHERE relay IN ({values}) ORDER BY relay{lock}")
    }

    pub(super) fn release(&self, partitions: &[u16]) -> String {
        let (p, list) = (&self.prefix, list(partitions));
        format!("UPDATE {p}partition SET relay = '' WHERE relay = $1 AND part IN ({list})")
    }

    pub(super) fn replay(&self, rows: Option<&[i64]>) -> String {
        let of = rows.map_or_else(String::new, |rows| format!(" AND row_number IN ({})", list(rows)));
        format!("UPDATE {}outbox SET parked_at = NULL, error = NULL WHERE parked_at IS NOT NULL{of}", self.prefix)
    }
}

/// Numbers, which need no quoting. An empty list is none that any row has.
fn list<N: fmt::Display>(numbers: &[N]) -> String {
    if numbers.is_empty() {
        return "-1".to_owned();
    }
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_can_begin_a_name_and_nothing_else() {
        for text in ["swit_", "a", "_x9"] {
            assert!(TablePrefix::parse(text).is_ok(), "{text}");
        }
        for text in ["", "9a", "A", "a b", "a;--", "ä", "a.b", &"a".repeat(41)] {
            assert!(TablePrefix::parse(text).is_err(), "{text}");
        }
    }
}
