//! The subscribers: one small step each, tied together by nothing but events.
//!
//! What a step gives up goes to one dead-letter queue, [`DEAD_LETTERS`], but for what is not paid, which has a queue of its
//! own ([`UNPAID`]). `tell-dead-letter` and `tell-unpaid` empty them; each letter ends
//! in the ledger and the dead-letter file of the process that read its line. So memory stays bounded however much of the
//! input is wrong.
//!
//! On a broker the steps are shared by the processes of the group. What closes lines reaches all of them, since each has a
//! ledger of its own.

mod accept;
mod dead_letter;
mod fulfil;
mod origin;
mod prepare;
mod record;
mod reject;

pub use accept::{AcceptError, accept_order, remember_order};
pub use dead_letter::{file_dead_letter, tell_dead_letter, tell_unpaid};
pub use fulfil::{TakePaymentError, complete_order, reserve_inventory, schedule_shipping, take_payment};
pub use prepare::{Inconsistent, calculate_price, check_stock, notify_customer, prepare_order, validate_order};
pub use record::{record_completed, record_duplicate, record_rejected};
pub use reject::{reject_order, release_inventory};

/// The topic that intake publishes each line of input to, as it is.
pub const LINES: &str = "order.line";

/// The queue of orders whose payment was given up.
pub const UNPAID: &str = "payment.events.dlq";

/// The queue of everything else that was given up.
pub const DEAD_LETTERS: &str = "order-service.dead-letters";

/// The header with the number of the line in the input.
pub const LINE_HEADER: &str = "x-line";

/// The header with the bytes that a line had, where only its beginning was kept.
pub const CUT_HEADER: &str = "x-line-bytes";
