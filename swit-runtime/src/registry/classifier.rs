//! The function behind `classifier = path`.

use crate::error_classifier::ErrorClassifier;

/// What makes a subscriber's rules, called once when the service starts.
#[derive(Debug, Clone, Copy)]
pub struct MakeClassifier(pub fn() -> ErrorClassifier);

impl PartialEq for MakeClassifier {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.0, other.0)
    }
}

/// A function without arguments.
#[diagnostic::on_unimplemented(
    message = "`classifier` names what can't be called without arguments",
    label = "not a function without arguments",
    note = "write `fn rules() -> ErrorClassifier`"
)]
pub trait Maker {
    /// What it returns.
    type Made;

    /// Calls it.
    fn make(self) -> Self::Made;
}

#[diagnostic::do_not_recommend]
impl<F: FnOnce() -> R, R> Maker for F {
    type Made = R;

    fn make(self) -> R {
        self()
    }
}

/// Rules; nothing else is.
#[diagnostic::on_unimplemented(
    message = "a function behind `classifier` can't return `{Self}`",
    label = "returns `{Self}`",
    note = "write `fn rules() -> ErrorClassifier`, which begins with `ErrorClassifier::empty()` and is not asynchronous"
)]
pub trait MadeRules {
    /// The rules.
    fn rules(self) -> ErrorClassifier;
}

impl MadeRules for ErrorClassifier {
    fn rules(self) -> ErrorClassifier {
        self
    }
}

/// The rules that a function makes. Called by generated code.
pub fn rules_of<F: Maker<Made: MadeRules>>(function: F) -> ErrorClassifier {
    function.make().rules()
}
