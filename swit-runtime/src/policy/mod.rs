//! What stands between a subscriber's workers and its messages: whether they may pull now.

mod gate;

pub(crate) use gate::Gate;
