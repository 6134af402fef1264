//! Services built with swit.
