//! Classifiers found at link time: how a classified error is recognised inside boxes and source chains.

use std::error::Error;

use crate::classify::{BoxError, Class, Classification, Classify};

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

/// The class of a wrapped error (`#[class(from)]`), chosen by method resolution on references as in [`via`](crate::returns::via).
///
/// Generated code imports all of these and calls `(&&&Wrapped(error)).class()`: the first that applies wins.
pub mod wrapped {
    use super::{BoxError, Class, Classification, Classify, Error, class_of};

    /// The error that is wrapped.
    #[derive(Debug)]
    pub struct Wrapped<'a, E>(pub &'a E);

    /// The wrapped error says its class itself.
    pub trait ByItself {
        /// Its class.
        fn class(&self) -> Classification;
    }

    impl<E: Classify> ByItself for &&Wrapped<'_, E> {
        fn class(&self) -> Classification {
            self.0.classify()
        }
    }

    /// The wrapped error is a box that can be looked into.
    pub trait ByBox {
        /// The class of the first error in its chain that a linked classifier recognises, else transient.
        fn class(&self) -> Classification;
    }

    impl<E: AsRef<dyn Error + Send + Sync> + Into<BoxError>> ByBox for &Wrapped<'_, E> {
        fn class(&self) -> Classification {
            class_of(self.0.as_ref()).unwrap_or_else(|| Class::Transient.into())
        }
    }

    /// The wrapped error may be recognised by a linked classifier, or its sources may.
    pub trait ByChain {
        /// The class of the first error in its chain that a linked classifier recognises, else transient.
        fn class(&self) -> Classification;
    }

    impl<E: Error + 'static> ByChain for Wrapped<'_, E> {
        fn class(&self) -> Classification {
            class_of(self.0).unwrap_or_else(|| Class::Transient.into())
        }
    }
}
