//! [`Chain`]: an error and its sources, outermost first.

use std::error::Error;

use crate::classifiers::next_in_chain;

/// An error and its sources, outermost first: what a rule is asked about.
///
/// What was put into a `std::io::Error` is in the chain, too. A chain ends after 16 errors.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a> {
    next: Option<&'a (dyn Error + 'static)>,
    left: u8,
}

impl<'a> Chain<'a> {
    /// The chain of this error.
    pub const fn of(error: &'a (dyn Error + 'static)) -> Self {
        // An error chain is short; a cyclic one ends here.
        Self { next: Some(error), left: 16 }
    }

    /// The outermost error of this type.
    pub fn find_error<E: Error + 'static>(mut self) -> Option<&'a E> {
        self.find_map(|error| error.downcast_ref())
    }

    /// Whether an error of this type is in the chain.
    pub fn is<E: Error + 'static>(self) -> bool {
        self.find_error::<E>().is_some()
    }

    /// Whether some error of the chain is like this.
    pub fn any(mut self, mut like: impl FnMut(&'a (dyn Error + 'static)) -> bool) -> bool {
        Iterator::any(&mut self, &mut like)
    }
}

impl<'a> Iterator for Chain<'a> {
    type Item = &'a (dyn Error + 'static);

    fn next(&mut self) -> Option<Self::Item> {
        let error = self.next?;
        self.left = self.left.checked_sub(1)?;
        self.next = next_in_chain(error);
        Some(error)
    }
}
