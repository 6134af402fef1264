//! Services built with swit.

pub mod order_service;
