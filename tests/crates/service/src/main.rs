//! Prints what is linked: the handlers of `swit-test-renamed` are there although nothing else names that crate.

#![forbid(unsafe_code)]

use std::io::Write as _;

use swit::__private::{SubscriberRef, inventory};

swit::handlers!(swit_test_renamed);

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for found in inventory::iter::<SubscriberRef> {
        writeln!(out, "{}::{}", found.0.location.module, found.0.name)?;
    }
    Ok(())
}
