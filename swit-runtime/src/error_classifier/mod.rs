//! [`ErrorClassifier`]: rules that give a class to errors that have none of their own.
//!
//! ```
//! use swit_runtime::{classify::{Class, Classification}, error_classifier::ErrorClassifier};
//! # #[derive(Debug)] struct HttpError { status: u16, retry_after: std::time::Duration }
//! # impl std::fmt::Display for HttpError { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("http") } }
//! # impl std::error::Error for HttpError {}
//!
//! ErrorClassifier::new()
//!     .on(|error: &HttpError| match error.status {
//!         429 => Some(Classification::new(Class::Throttle).with_retry_after(error.retry_after)),
//!         400..=499 => Some(Class::Permanent.into()),
//!         _ => None,
//!     })
//!     .when(|chain| chain.any(|error| error.to_string().contains("deadlock")), Class::Transient);
//! ```
//!
//! Guarantee: the rules are asked in the order in which they were written, the built-in ones last, and the first that
//! answers is right. A rule that panics is logged and skipped.

mod built_in;
mod chain;
mod rate_limited;

use std::{
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

pub use built_in::{LinkedRule, RuleKind};
pub use chain::Chain;
pub use rate_limited::RateLimited;

use crate::{
    classifiers::{as_error, class_by},
    classify::{Class, Classification, Classifier},
};

type Rule = Box<dyn Fn(Chain<'_>) -> Option<Classification> + Send + Sync>;

/// Rules that give a class to errors that have none of their own, in order: the first that answers is right.
///
/// The app's is what a provider of this type builds, or `App::provide` is given; else [`ErrorClassifier::new`]. A
/// subscriber's own, `classifier = path`, is asked before it.
pub struct ErrorClassifier {
    rules: Vec<Rule>,
    built_in: bool,
}

/// What a rule may answer: a [`Class`], a [`Classification`], or an `Option` of either.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a rule answers",
    note = "answer a `Class`, a `Classification`, or an `Option` of either"
)]
pub trait Answer {
    /// The class; `None`: the next rule is asked.
    fn classification(self) -> Option<Classification>;
}

impl Answer for Class {
    fn classification(self) -> Option<Classification> {
        Some(self.into())
    }
}

impl Answer for Classification {
    fn classification(self) -> Option<Classification> {
        Some(self)
    }
}

impl Answer for Option<Class> {
    fn classification(self) -> Option<Classification> {
        self.map(Into::into)
    }
}

impl Answer for Option<Classification> {
    fn classification(self) -> Option<Classification> {
        self
    }
}

impl ErrorClassifier {
    /// The built-in rules, which are asked after those that are added:
    ///
    /// | error anywhere in the chain | class |
    /// |---|---|
    /// | `std::io::Error` of a connection or a wait, tokio's `Elapsed`, a retryable [`TransportError`](crate::error::TransportError) | transient |
    /// | [`RateLimited`], and what the compiled-in clients call a rate limit | throttle |
    /// | `serde_json::Error`, and the errors of `str::parse` and of UTF-8 | `invalid_input` |
    /// | the compiled-in database clients' errors | `system_failure` |
    pub const fn new() -> Self {
        Self { rules: Vec::new(), built_in: true }
    }

    /// No rules at all: what a subscriber's own classifier usually starts from, so that the app's is asked for the rest.
    pub const fn empty() -> Self {
        Self { rules: Vec::new(), built_in: false }
    }

    /// With a rule for one type of error, wherever in the chain it is. Of several in one chain the outermost is asked first;
    /// while the rule answers `None`, the next one is.
    pub fn on<E: Error + 'static, A: Answer>(self, rule: impl Fn(&E) -> A + Send + Sync + 'static) -> Self {
        self.rule(Box::new(move |chain| {
            chain.errors().filter_map(as_error::<E>).find_map(|error| rule(error).classification())
        }))
    }

    /// With a rule over the whole chain.
    pub fn when(
        self,
        applies: impl Fn(Chain<'_>) -> bool + Send + Sync + 'static,
        class: impl Into<Classification>,
    ) -> Self {
        let class = class.into();
        self.rule(Box::new(move |chain| applies(chain).then_some(class)))
    }

    fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// The class that the first rule gives which answers; `None` if none does.
    pub fn classify(&self, error: &(dyn Error + 'static)) -> Option<Classification> {
        let chain = Chain::of(error);
        let added = self.rules.iter().enumerate().find_map(|(index, rule)| guarded(|| rule(chain), index + 1));
        added.or_else(|| if self.built_in { guarded(|| built_in::classify(chain), 0) } else { None })
    }
}

/// A rule's answer; one that panics has none.
fn guarded(rule: impl FnOnce() -> Option<Classification>, number: usize) -> Option<Classification> {
    catch_unwind(AssertUnwindSafe(rule)).unwrap_or_else(|panic| {
        // Its destructor may panic, too.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(panic)));
        let rule = if number == 0 { "a built-in one".to_owned() } else { format!("number {number}") };
        tracing::error!(rule, "a rule of an `ErrorClassifier` panicked; the next one is asked");
        None
    })
}

impl Default for ErrorClassifier {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ErrorClassifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorClassifier").field("rules", &self.rules.len()).field("built_in", &self.built_in).finish()
    }
}

/// Who says the class of a subscriber's errors: the link-time classifiers, its own rules, the app's.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    own: Option<Arc<ErrorClassifier>>,
    app: Option<Arc<ErrorClassifier>>,
}

impl Rules {
    /// The subscriber's own rules, if it has any, then the app's; without an app's, the built-in ones.
    pub const fn new(own: Option<Arc<ErrorClassifier>>, app: Option<Arc<ErrorClassifier>>) -> Self {
        Self { own, app }
    }
}

impl Classifier for Rules {
    fn class_of(&self, error: &(dyn Error + 'static)) -> Option<Classification> {
        static BUILT_IN: ErrorClassifier = ErrorClassifier::new();
        let app = self.app.as_deref().unwrap_or(&BUILT_IN);
        class_by(error, self)
            .or_else(|| self.own.as_ref().and_then(|own| own.classify(error)))
            .or_else(|| app.classify(error))
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("code {0}")]
    struct Code(u16, #[source] Option<Box<Code>>);

    #[derive(Debug, thiserror::Error)]
    #[error("a database")]
    struct Database;

    inventory::submit! {
        LinkedRule {
            kind: RuleKind::Database,
            classify: |chain| chain.is::<Database>().then(|| Class::SystemFailure.into()),
        }
    }

    fn class(classifier: &ErrorClassifier, error: &(dyn Error + 'static)) -> Option<Class> {
        classifier.classify(error).map(|found| found.class)
    }

    #[test]
    fn the_built_in_rules_know_the_usual_errors() {
        let json = serde_json::from_str::<u8>("{").unwrap_err();
        let number = "x".parse::<u8>().unwrap_err();
        let wrapped = io::Error::other("x".parse::<f64>().unwrap_err());
        let cases: Vec<(Box<dyn Error>, Option<Class>)> = vec![
            (Box::new(io::Error::from(io::ErrorKind::ConnectionRefused)), Some(Class::Transient)),
            (Box::new(Outer(io::ErrorKind::TimedOut.into())), Some(Class::Transient)),
            (Box::new(Outer(io::ErrorKind::NotFound.into())), None),
            (Box::new(json), Some(Class::InvalidInput)),
            (Box::new(number), Some(Class::InvalidInput)),
            (Box::new(wrapped), Some(Class::InvalidInput)),
            (Box::new(io::Error::from(serde_json::from_str::<u8>("[").unwrap_err())), Some(Class::InvalidInput)),
            (Box::new(io::Error::other(Database)), Some(Class::SystemFailure)),
            (Box::new(Code(1, None)), None),
            (Box::new(io::Error::other(RateLimited::default())), Some(Class::Throttle)),
            (Box::new(crate::error::TransportError::new("a", "connect", "b").retryable()), Some(Class::Transient)),
            (Box::new(crate::error::TransportError::new("a", "connect", "b")), None),
        ];
        for (error, expected) in cases {
            assert_eq!(class(&ErrorClassifier::new(), &*error), expected, "{error:?}");
            assert_eq!(class(&ErrorClassifier::empty(), &*error), None, "{error:?}");
        }
    }

    #[test]
    fn a_rate_limit_is_one_wherever_it_stands_and_whatever_the_rules_are() {
        let wait = std::time::Duration::from_secs(40);
        let deep = io::Error::other(Outer(io::Error::other(RateLimited { retry_after: Some(wait) })));
        let found = ErrorClassifier::new().classify(&deep);
        assert_eq!(found, Some(Classification::new(Class::Throttle).with_retry_after(wait)));
        let rules = Rules::new(None, Some(Arc::new(ErrorClassifier::empty())));
        assert_eq!(rules.class_of(&deep), found);
        assert_eq!(RateLimited::from(wait).to_string(), "rate limited; again after 40s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_over_is_transient() {
        let elapsed = tokio::time::timeout(std::time::Duration::from_secs(1), std::future::pending::<()>()).await;
        assert_eq!(class(&ErrorClassifier::new(), &elapsed.unwrap_err()), Some(Class::Transient));
    }

    #[test]
    fn added_rules_come_before_the_built_in_ones() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let rules = ErrorClassifier::new().on(|_: &io::Error| Class::Permanent);
        assert_eq!(class(&rules, &refused), Some(Class::Permanent));
    }

    #[test]
    fn a_typed_rule_asks_the_outermost_first() {
        let nested = Code(3, Some(Box::new(Code(2, Some(Box::new(Code(1, None)))))));
        let rules = ErrorClassifier::empty().on(|code: &Code| match code.0 {
            1 => Some(Class::Permanent),
            2 => Some(Class::Throttle),
            _ => None,
        });
        assert_eq!(class(&rules, &nested), Some(Class::Throttle));
    }

    #[test]
    fn a_rule_that_panics_is_skipped() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let rules = ErrorClassifier::empty()
            .on(|_: &Code| -> Class { panic!("a rule") })
            .when(|chain| chain.any(|error| error.to_string() == "code 1"), Class::Throttle);
        let found = class(&rules, &Code(1, None));
        std::panic::set_hook(hook);
        assert_eq!(found, Some(Class::Throttle));
    }

    proptest! {
        /// Against a model: of rules that each know some codes, the first that knows any of the chain's decides.
        #[test]
        fn the_first_rule_that_answers_is_right(
            rules in prop::collection::vec((0u16..6, 0usize..3), 0..8), codes in prop::collection::vec(0u16..6, 1..5)
        ) {
            const CLASSES: [Class; 3] = [Class::Transient, Class::Throttle, Class::Permanent];
            let mut classifier = ErrorClassifier::empty();
            for (known, class) in rules.clone() {
                classifier = classifier.on(move |code: &Code| (code.0 == known).then_some(CLASSES[class]));
            }
            let error = codes.iter().rev().fold(None, |inner, code| Some(Box::new(Code(*code, inner)))).unwrap();
            let expected = rules.iter().find(|(known, _)| codes.contains(known)).map(|(_, class)| CLASSES[*class]);
            prop_assert_eq!(class(&classifier, &*error), expected);
        }
    }
}
