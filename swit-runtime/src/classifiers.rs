//! Classifiers found at link time: how a classified error is recognised inside boxes and source chains.

use std::error::Error;

use crate::{
    classify::{BoxError, Classification, Classifier, Classify},
    codec::{DecodeError, EncodeError},
    compression::{CompressError, DecompressError},
    error::PublishError,
};

/// Recognises one error type. Submitted by `#[derive(Classify)]`.
#[derive(Debug)]
pub struct LinkedClassifier {
    /// The class, if the error is of the type.
    pub classify: fn(&(dyn Error + 'static), &dyn Classifier) -> Option<Classification>,
}

impl LinkedClassifier {
    /// The classifier of this error type.
    pub const fn of<E: Classify>() -> Self {
        Self { classify: |error, by| as_error::<E>(error)?.classify_by(by) }
    }
}

inventory::collect!(LinkedClassifier);

// swit's own errors, inside the errors of handlers.
inventory::submit! { LinkedClassifier::of::<PublishError>() }
inventory::submit! { LinkedClassifier::of::<EncodeError>() }
inventory::submit! { LinkedClassifier::of::<DecodeError>() }
inventory::submit! { LinkedClassifier::of::<CompressError>() }
inventory::submit! { LinkedClassifier::of::<DecompressError>() }

/// The class of the first error in the chain that a linked classifier recognises, outermost first.
pub fn class_of(error: &(dyn Error + 'static)) -> Option<Classification> {
    class_by(error, &Linked)
}

/// The linked classifiers alone.
#[derive(Debug, Clone, Copy)]
pub struct Linked;

impl Classifier for Linked {
    fn class_of(&self, error: &(dyn Error + 'static)) -> Option<Classification> {
        class_of(error)
    }
}

/// As [`class_of`]; an error that leaves its class to the one that it wraps leaves it to `by`.
pub(crate) fn class_by(error: &(dyn Error + 'static), by: &dyn Classifier) -> Option<Classification> {
    let mut next = Some(error);
    // An error chain is short; a cyclic one ends here.
    for _ in 0..16 {
        let error = next?;
        if let Some(class) = inventory::iter::<LinkedClassifier>().find_map(|linked| (linked.classify)(error, by)) {
            return Some(class);
        }
        next = next_in_chain(error);
    }
    None
}

/// The error as this type. A source that is a `Box<E>` is an `E`.
pub(crate) fn as_error<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    error.downcast_ref::<E>().or_else(|| error.downcast_ref::<Box<E>>().map(|boxed| &**boxed))
}

/// What stands behind an error in its chain.
pub(crate) fn next_in_chain<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    wrapped_by_io(error).or_else(|| error.source())
}

/// What an I/O error was made of. Its `source` is its content's source: the content itself would be skipped.
fn wrapped_by_io<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let content = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    Some(content)
}

/// The class of a wrapped error (`#[class(from)]`), chosen by method resolution on references as in [`via`](crate::returns::via).
///
/// Generated code imports all of these and calls `(&&&&Wrapped(error)).class(by)`: the first that applies wins.
pub mod wrapped {
    use super::{BoxError, Classification, Classifier, Classify, Error};

    /// The error that is wrapped.
    #[derive(Debug)]
    pub struct Wrapped<'a, E>(pub &'a E);

    /// The wrapped error says its class itself.
    pub trait ByItself {
        /// Its class; `None`: nobody knows.
        fn class(&self, by: &dyn Classifier) -> Option<Classification>;
    }

    impl<E: Classify> ByItself for &&&Wrapped<'_, E> {
        fn class(&self, by: &dyn Classifier) -> Option<Classification> {
            self.0.classify_by(by)
        }
    }

    /// The wrapped error is a box that can be looked into.
    pub trait ByBox {
        /// Its class, if whoever is asked knows it.
        fn class(&self, by: &dyn Classifier) -> Option<Classification>;
    }

    impl<E: AsRef<dyn Error + Send + Sync> + Into<BoxError>> ByBox for &&Wrapped<'_, E> {
        fn class(&self, by: &dyn Classifier) -> Option<Classification> {
            by.class_of(self.0.as_ref())
        }
    }

    /// The wrapped error may be recognised by a linked classifier, or its sources may.
    pub trait ByChain {
        /// Its class, if whoever is asked knows it.
        fn class(&self, by: &dyn Classifier) -> Option<Classification>;
    }

    impl<E: Error + 'static> ByChain for &Wrapped<'_, E> {
        fn class(&self, by: &dyn Classifier) -> Option<Classification> {
            by.class_of(self.0)
        }
    }

    /// Nothing is known of what is wrapped: a compile error that says what to do.
    pub trait ByNothing<E> {
        /// Its class; `None`: nobody knows.
        fn class(&self, by: &dyn Classifier) -> Option<Classification>
        where
            E: WrappedError;
    }

    impl<E> ByNothing<E> for Wrapped<'_, E> {
        fn class(&self, by: &dyn Classifier) -> Option<Classification>
        where
            E: WrappedError,
        {
            self.0.class(by)
        }
    }

    /// Stands for «an error»; nothing implements it.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` has no class of its own that `#[class(from)]` could take",
        label = "not an error",
        note = "`from` is for a field that is an error; name a class: `#[class(transient)]`"
    )]
    pub trait WrappedError {
        /// Its class; `None`: nobody knows.
        fn class(&self, by: &dyn Classifier) -> Option<Classification>;
    }
}
