//! Classifiers found at link time: how a classified error is recognised inside boxes and source chains.

use std::error::Error;

use crate::classify::{BoxError, Class, Classification, Classify};

/// Recognises one error type. Submitted by `#[derive(Classify)]`.
#[derive(Debug)]
pub struct LinkedClassifier {
    /// The class, if the error is of the type.
    pub classify: fn(&(dyn Error + 'static)) -> Option<Classification>,
}

impl LinkedClassifier {
    /// The classifier of this error type.
    pub const fn of<E: Classify>() -> Self {
        Self { classify: |error| error.downcast_ref::<E>().map(Classify::classify) }
    }
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
        next = wrapped_by_io(error).or_else(|| error.source());
    }
    None
}

/// What an I/O error was made of. Its `source` is its content's source: the content itself would be skipped.
fn wrapped_by_io<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let content = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    Some(content)
}

/// The class of a wrapped error (`#[class(from)]`), chosen by method resolution on references as in [`via`](crate::returns::via).
///
/// Generated code imports all of these and calls `(&&&&Wrapped(error)).class()`: the first that applies wins.
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

    impl<E: Classify> ByItself for &&&Wrapped<'_, E> {
        fn class(&self) -> Classification {
            self.0.classify()
        }
    }

    /// The wrapped error is a box that can be looked into.
    pub trait ByBox {
        /// The class of the first error in its chain that a linked classifier recognises, else transient.
        fn class(&self) -> Classification;
    }

    impl<E: AsRef<dyn Error + Send + Sync> + Into<BoxError>> ByBox for &&Wrapped<'_, E> {
        fn class(&self) -> Classification {
            class_of(self.0.as_ref()).unwrap_or_else(|| Class::Transient.into())
        }
    }

    /// The wrapped error may be recognised by a linked classifier, or its sources may.
    pub trait ByChain {
        /// The class of the first error in its chain that a linked classifier recognises, else transient.
        fn class(&self) -> Classification;
    }

    impl<E: Error + 'static> ByChain for &Wrapped<'_, E> {
        fn class(&self) -> Classification {
            class_of(self.0).unwrap_or_else(|| Class::Transient.into())
        }
    }

    /// Nothing is known of what is wrapped: a compile error that says what to do.
    pub trait ByNothing<E> {
        /// Its class.
        fn class(&self) -> Classification
        where
            E: WrappedError;
    }

    impl<E> ByNothing<E> for Wrapped<'_, E> {
        fn class(&self) -> Classification
        where
            E: WrappedError,
        {
            self.0.class()
        }
    }

    /// Stands for «an error»; nothing implements it.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` has no class of its own that `#[class(from)]` could take",
        label = "not an error",
        note = "`from` is for a field that is an error; name a class: `#[class(transient)]`"
    )]
    pub trait WrappedError {
        /// Its class.
        fn class(&self) -> Classification;
    }
}
