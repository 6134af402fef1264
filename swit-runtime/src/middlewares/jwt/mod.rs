//! [`JwtValidator`]: JSON Web Tokens (RFC 7519), by the crate `jsonwebtoken`. Feature `jwt`.
//!
//! Guarantee: the algorithm is the key's. What a token's own header says is only compared with it, so that neither `none` nor
//! a public key used as a secret gets past. A token has to expire, unless the service says otherwise.

use std::{fmt, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, crypto::aws_lc, errors::ErrorKind};
use serde_json::{Map, Value};

use super::{Claims, TokenError, TokenValidator};
use crate::transport::BoxFuture;

/// The shortest secret for HS256: RFC 7518 asks for as many bits as the hash has.
const SHORTEST_SECRET: usize = 32;

/// How long a clock may be wrong if nothing is said.
const LEEWAY: Duration = Duration::from_mins(1);

/// The longest leeway: a token that is accepted a day after its time has none.
const LONGEST_LEEWAY: Duration = Duration::from_hours(24);

/// Validates tokens that were signed with one key.
///
/// ```ignore
/// let validator = JwtValidator::rs256(include_bytes!("issuer.pem"))?.issuer("https://login.example").audience("orders");
/// ```
pub struct JwtValidator {
    key: DecodingKey,
    rules: Validation,
}

/// A key that can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It can be guessed.
    #[error("the secret has {0} bytes; HS256 needs at least 32, random ones")]
    Short(usize),
    /// It is not what the algorithm needs.
    #[error("the key is not a public key in PEM form for {0}; it begins with `-----BEGIN PUBLIC KEY-----`")]
    Malformed(&'static str),
}

impl JwtValidator {
    /// HS256, by a secret that issuer and service share.
    ///
    /// # Errors
    /// [`KeyError::Short`].
    pub fn hs256(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < SHORTEST_SECRET {
            return Err(KeyError::Short(secret.len()));
        }
        Ok(Self::with(DecodingKey::from_secret(secret), Algorithm::HS256))
    }

    /// RS256, by the issuer's public key in PEM form.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn rs256(pem: &[u8]) -> Result<Self, KeyError> {
        let key = DecodingKey::from_rsa_pem(pem).map_err(|_| KeyError::Malformed("RS256"))?;
        Ok(Self::with(key, Algorithm::RS256))
    }

    /// ES256, by the issuer's public key in PEM form.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn es256(pem: &[u8]) -> Result<Self, KeyError> {
        let key = DecodingKey::from_ec_pem(pem).map_err(|_| KeyError::Malformed("ES256"))?;
        Ok(Self::with(key, Algorithm::ES256))
    }

    fn with(key: DecodingKey, algorithm: Algorithm) -> Self {
        // The crate can't choose where a program enables more than one of its backends, and panics then. If somebody has
        // chosen before, that is fine too.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
        let mut rules = Validation::new(algorithm);
        rules.validate_nbf = true;
        Self { key, rules }.leeway(LEEWAY)
    }

    /// Only tokens of this issuer (`iss`); of one of several where it is said again.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.rules.required_spec_claims.insert("iss".to_owned());
        self.rules.iss.get_or_insert_default().insert(issuer.into());
        self
    }

    /// Only tokens that are meant for this audience (`aud`), or one of several where it is said again. If none is said,
    /// tokens that name an audience are refused: they are meant for somebody else.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.rules.required_spec_claims.insert("aud".to_owned());
        self.rules.aud.get_or_insert_default().insert(audience.into());
        self
    }

    /// Clocks may differ by this much: a minute if nothing is said, at most a day.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway.min(LONGEST_LEEWAY).as_secs();
        self
    }

    /// Tokens without `exp` are accepted too. Those that have one still expire.
    pub fn allow_eternal(mut self) -> Self {
        self.rules.required_spec_claims.remove("exp");
        self
    }

    fn check(&self, token: &str) -> Result<Claims, &'static str> {
        let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, &self.key, &self.rules);
        // The library passes over an audience that is neither text nor a list of texts.
        let names_one = |claims: &Map<String, Value>| claims.get("aud").is_some_and(|aud| !aud.is_null());
        if self.rules.aud.is_none() && decoded.as_ref().is_ok_and(|token| names_one(&token.claims)) {
            return Err("its token is meant for another audience");
        }
        decoded.map(|token| Claims::from(token.claims)).map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => "its token has expired",
            ErrorKind::ImmatureSignature => "its token is not valid yet",
            ErrorKind::InvalidAudience => "its token is meant for another audience",
            ErrorKind::InvalidIssuer => "its token is of another issuer",
            ErrorKind::InvalidAlgorithm | ErrorKind::MissingAlgorithm => "its token is signed by another algorithm",
            ErrorKind::InvalidSignature => "its token's signature is wrong",
            ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => "its token lacks a claim",
            _ => "its token is no token",
        })
    }
}

impl TokenValidator for JwtValidator {
    fn validate<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Claims, TokenError>> {
        Box::pin(std::future::ready(self.check(token).map_err(TokenError::Refused)))
    }
}

impl fmt::Debug for JwtValidator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtValidator").field("rules", &self.rules).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
