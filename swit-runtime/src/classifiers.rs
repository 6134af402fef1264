//! Classifiers found at link time: how a classified error is recognised inside boxes and source chains.

use std::error::Error;

use crate::classify::Classification;

/// Recognises one error type. Submitted by `#[derive(Classify)]`.
#[derive(Debug)]
pub struct LinkedClassifier {
    /// The class, if the error is of the type.
    pub classify: fn(&(dyn Error + 'static)) -> Option<Classification>,
}

inventory::collect!(LinkedClassifier);

/// The class of the first error in the chain that a linked classifier recognises, outermost first.
pub fn class_of(error: &(dyn Error + 'static)) -> Option<Classification> {
    let mut next = Some(error);
    // An error chain is short; a cyclic one ends here.
    for _ in 0..16 {
        let error = next?;
        if let Some(class) = inventory::iter::<LinkedClassifier>().find_map(|linked| (linked.classify)(error)) {
            return Some(class);
        }
        next = error.source();
    }
    None
}
