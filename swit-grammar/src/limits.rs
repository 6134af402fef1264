//! The numbers that the grammar refuses to go beyond.

use std::time::Duration;

/// Most retries after the first attempt.
pub const MAX_RETRIES: u32 = 100;
/// Retries after the first attempt where nobody says otherwise.
pub const DEFAULT_RETRIES: u32 = 3;
/// Most characters of a subscriber's, middleware's or publisher's name.
pub const MAX_NAME: usize = 100;
/// Most bytes of a topic, a pattern, a queue's name or a message id (AMQP 0-9-1 short string).
pub const MAX_TOPIC: usize = 255;
/// Largest prefetch (AMQP 0-9-1 `basic.qos` carries a 16-bit count; 0 would mean unlimited).
pub const MAX_PREFETCH: u32 = 65_535;
/// Most workers of one subscriber.
pub const MAX_CONCURRENCY: u32 = 65_535;
/// Smallest prefetch that is chosen by itself.
pub const MIN_DEFAULT_PREFETCH: u32 = 32;
/// Time that one attempt may take where nobody says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest timeout or backoff: thirty days. Longer ones are taken for a slip of the pen.
pub const MAX_DURATION: Duration = Duration::from_hours(30 * 24);
