//! Free TCP ports for servers that must know theirs before they start.

use std::net::{Ipv4Addr, TcpListener};

use rand::{RngExt as _, rngs::SmallRng};

/// Below the range from which the system gives ports to connections and to `bind(0)`, so that nobody is given a server's
/// port while it is restarting.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// A port of 127.0.0.1 that nobody listens on.
pub fn free() -> u16 {
    let mut rng = rand::make_rng::<SmallRng>();
    (0..1_000)
        .map(|_| rng.random_range(RANGE))
        .find(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        .expect("a free port: 1000 tries found none between 12000 and 32000")
}
