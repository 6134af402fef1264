//! Authentication: a message without a valid token goes to the dead-letter queue, and no handler sees it.
//!
//! Guarantees: a refusal is final (reason [`UNAUTHORIZED`], never a retry), a validator that can't tell is not a refusal (an
//! ordinary failure, by its class), and no token is ever part of an error or a log. The dead letter is the message whole, its
//! headers and so its token among them, or it could not be replayed: who may read a dead-letter queue may read what is in it.

use std::{fmt, sync::Arc};

use super::Claims;
use crate::{
    classify::{BoxError, Class, Classification, Classify},
    context::Context,
    middleware::{Middleware, Next},
    outcome::{ErrorAction, Failure, FailureKind, Outcome},
    text::Text,
    transport::BoxFuture,
};

/// The reason of the dead letters of messages that were refused.
pub const UNAUTHORIZED: Text = Text::from_static("unauthorized");

/// Says whether a token is valid. An app gives its own to [`Authentication`].
pub trait TokenValidator: Send + Sync + 'static {
    /// The token's claims.
    ///
    /// # Errors
    /// [`TokenError::Refused`] if the token is not valid, [`TokenError::Failed`] if that could not be found out. Neither may
    /// repeat the token.
    fn validate<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Claims, TokenError>>;
}

impl<V: TokenValidator + ?Sized> TokenValidator for Arc<V> {
    fn validate<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Claims, TokenError>> {
        (**self).validate(token)
    }
}

/// Why a validator gives no claims.
#[derive(Debug)]
#[non_exhaustive]
pub enum TokenError {
    /// The token is not valid, for this reason, which is fixed text so that nothing of the token gets into it.
    Refused(&'static str),
    /// It could not be found out. The failure's class says whether it is tried again.
    Failed(Failure),
}

impl TokenError {
    /// What the validator needs is not there now, a key server perhaps: tried again, as transient.
    pub fn unavailable(error: impl Into<BoxError>) -> Self {
        Self::Failed(Failure::new(FailureKind::Handler, error).with_class(Class::Transient))
    }

    /// It could not be found out, for an error that knows its class.
    pub fn failed(error: impl Classify) -> Self {
        Self::Failed(Failure::classified(FailureKind::Handler, error))
    }
}

/// Middleware that lets messages with a valid token through, and puts its [`Claims`] where handlers find them.
///
/// ```ignore
/// App::new().middleware("authenticate", 10, Authentication::bearer(JwtValidator::hs256(secret)?.issuer("shop")))
/// ```
///
/// For one subscriber alone, a provider builds it and a function with `#[middleware(global = false)]` hands on to it:
/// `authentication: State<Authentication>`, `authentication.handle(cx, next).await`.
#[derive(Clone)]
pub struct Authentication {
    header: Text,
    validator: Arc<dyn TokenValidator>,
}

impl Authentication {
    /// By the header `Authorization: Bearer …` (RFC 6750).
    pub fn bearer(validator: impl TokenValidator) -> Self {
        Self { header: Text::from_static("Authorization"), validator: Arc::new(validator) }
    }

    /// By another header, which holds `Bearer …` too. Case does not matter in its name.
    pub fn header(mut self, name: impl Into<Text>) -> Self {
        self.header = name.into();
        self
    }

    /// The message's token, or why it has none.
    fn token(&self, cx: &Context) -> Result<String, &'static str> {
        let mut values = cx.headers().iter().filter(|(name, _)| name.eq_ignore_ascii_case(&self.header));
        let Some((_, value)) = values.next() else { return Err("it has no token") };
        if values.next().is_some() {
            return Err("its token is there twice");
        }
        let words = value.as_str().and_then(|value| value.trim().split_once(' '));
        match words.map(|(scheme, token)| (scheme, token.trim())) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && is_token(token) => Ok(token.to_owned()),
            _ => Err("its token is not `Bearer` and a token"),
        }
    }
}

/// `b64token` of RFC 6750.
fn is_token(token: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    !token.is_empty() && token.bytes().all(known)
}

impl Middleware for Authentication {
    fn handle<'a>(&'a self, cx: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let token = match self.token(cx) {
                Ok(token) => token,
                Err(why) => return refused(why),
            };
            match self.validator.validate(&token).await {
                Ok(claims) => {
                    drop(token);
                    cx.insert_extension(claims);
                    next.run(cx).await
                }
                Err(TokenError::Refused(why)) => refused(why),
                Err(TokenError::Failed(failure)) => Outcome::Failed(without(&token, failure)),
            }
        })
    }
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentication").field("header", &self.header).finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the message is refused: {0}")]
struct Unauthorized(&'static str);

fn refused(why: &'static str) -> Outcome {
    let failure = Failure::new(FailureKind::Handler, Unauthorized(why)).with_class(Class::Permanent);
    failure.with_action(ErrorAction::DeadLetter(UNAUTHORIZED)).into()
}

/// The failure, unless its text repeats the token: validators are other people's code, and an HTTP client's error names
/// the address that it asked, where the token may stand percent-encoded.
fn without(token: &str, failure: Failure) -> Failure {
    let text = failure.text();
    let forms =
        [token.to_owned(), percent_encoded(token, "%2B", "%2F", "%3D"), percent_encoded(token, "%2b", "%2f", "%3d")];
    if forms.iter().all(|form| !text.contains(form)) {
        return failure;
    }
    let class = failure.classification().unwrap_or(Classification::new(Class::Transient));
    let text = forms.iter().fold(text, |text, form| text.replace(form, "[token]"));
    Failure::new(failure.kind(), text).with_class(class)
}

/// As a token stands in the query of an address (RFC 3986): of what a token may hold, three characters are not their own.
fn percent_encoded(token: &str, plus: &str, slash: &str, equals: &str) -> String {
    token.replace('+', plus).replace('/', slash).replace('=', equals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    #[test]
    fn what_is_a_token_and_what_is_not() {
        assert!(is_token("abc.DEF-1_2~+/="));
        for wrong in ["", "a b", "a\nb", "ä"] {
            assert!(!is_token(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_failure_that_repeats_the_token_does_not_any_more() {
        let error = std::io::Error::other("GET https://keys/?token=s3cr3t.s3cr3t: no route to host");
        let TokenError::Failed(failure) = TokenError::unavailable(error) else { panic!() };
        let failure = without("s3cr3t.s3cr3t", failure);
        assert_eq!(failure.text(), "GET https://keys/?token=[token]: no route to host");
        assert_eq!(failure.class(), Class::Transient);
        for shown in ["a/b+c==", "a%2Fb%2Bc%3D%3D", "a%2fb%2bc%3d%3d"] {
            let error = std::io::Error::other(format!("GET https://keys/?token={shown}&x=1: no route to host"));
            let TokenError::Failed(failure) = TokenError::unavailable(error) else { panic!() };
            let said = without("a/b+c==", failure).text();
            assert_eq!(said, "GET https://keys/?token=[token]&x=1: no route to host");
        }
        assert!(
            !format!("{:?}", Message::new("t", "").with_header("Authorization", "Bearer s3cr3t")).contains("s3cr3t")
        );
    }

    #[test]
    fn a_refusal_is_a_dead_letter() {
        let Outcome::Failed(failure) = refused("it has no token") else { panic!() };
        assert_eq!(failure.action(), &ErrorAction::DeadLetter("unauthorized".into()));
        assert_eq!(failure.text(), "the message is refused: it has no token");
    }
}
