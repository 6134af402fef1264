//! Transports: what stands behind the port, one folder a broker.

pub mod memory;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;
