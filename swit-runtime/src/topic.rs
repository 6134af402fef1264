//! Topics and patterns at run time: the grammar's own functions.

pub use swit_grammar::topic::{check_pattern, check_topic, is_pattern, matches};
