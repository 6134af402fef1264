//! A check that can't fail checks nothing.

#[swit::health_check]
async fn database() {}

fn main() {}
