//! [`Chain`]: an error and its sources, outermost first.

use std::{error::Error, iter::successors};

use crate::classifiers::{as_error, next_in_chain};

/// An error and its sources, outermost first: what a rule is asked about.
///
/// What was put into a `std::io::Error` is in the chain, too. A chain ends after 16 errors.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(&'a (dyn Error + 'static));

impl<'a> Chain<'a> {
    /// The chain of this error.
    pub const fn of(error: &'a (dyn Error + 'static)) -> Self {
        Self(error)
    }

    /// The errors, outermost first.
    pub fn errors(self) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
        // An error chain is short; a cyclic one ends here.
        successors(Some(self.0), |error| next_in_chain(*error)).take(16)
    }

    /// The outermost error of this type.
    pub fn find<E: Error + 'static>(self) -> Option<&'a E> {
        self.errors().find_map(|error| as_error(error))
    }

    /// Whether an error of this type is in the chain.
    pub fn is<E: Error + 'static>(self) -> bool {
        self.find::<E>().is_some()
    }

    /// Whether some error of the chain is like this.
    pub fn any(self, like: impl FnMut(&'a (dyn Error + 'static)) -> bool) -> bool {
        self.errors().any(like)
    }
}
