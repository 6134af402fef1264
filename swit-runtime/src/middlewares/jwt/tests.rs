//! Tokens that pass, and each way not to.

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;

use super::*;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const RSA: &[u8] = include_bytes!("keys/rsa.public.pem");
const EC: &[u8] = include_bytes!("keys/ec.public.pem");

fn now() -> u64 {
    jsonwebtoken::get_current_timestamp()
}

fn claims() -> Value {
    json!({"sub": "ada", "exp": now() + 600, "iss": "login", "aud": "orders"})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn signed(algorithm: Algorithm, claims: &Value) -> String {
    let key = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(include_bytes!("keys/rsa.private.pem")).unwrap(),
        Algorithm::ES256 => EncodingKey::from_ec_pem(include_bytes!("keys/ec.private.pem")).unwrap(),
        _ => EncodingKey::from_secret(SECRET),
    };
    encode(&Header::new(algorithm), claims, &key).unwrap()
}

fn ours(validator: JwtValidator) -> JwtValidator {
    validator.issuer("login").audience("orders")
}

fn hs() -> JwtValidator {
    ours(JwtValidator::hs256(SECRET).unwrap())
}

#[test]
fn each_algorithm_accepts_its_own_and_no_other() {
    let validators = [
        (Algorithm::HS256, hs()),
        (Algorithm::RS256, ours(JwtValidator::rs256(RSA).unwrap())),
        (Algorithm::ES256, ours(JwtValidator::es256(EC).unwrap())),
    ];
    for (algorithm, validator) in &validators {
        for (other, _) in &validators {
            let answer = validator.check(&signed(*other, &claims()));
            if algorithm == other {
                assert_eq!(answer.unwrap().subject(), Some("ada"));
            } else {
                assert_eq!(answer.unwrap_err(), "its token is signed by another algorithm", "{algorithm:?} {other:?}");
            }
        }
    }
    let hs384 = encode(&Header::new(Algorithm::HS384), &claims(), &EncodingKey::from_secret(SECRET)).unwrap();
    assert_eq!(hs().check(&hs384).unwrap_err(), "its token is signed by another algorithm");
}

#[test]
fn a_public_key_is_no_secret_and_none_is_no_algorithm() {
    let validator = ours(JwtValidator::rs256(RSA).unwrap());
    let forged = encode(&Header::default(), &claims(), &EncodingKey::from_secret(RSA)).unwrap();
    assert_eq!(validator.check(&forged).unwrap_err(), "its token is signed by another algorithm");
    let token = signed(Algorithm::HS256, &claims());
    let body = token.split('.').nth(1).unwrap();
    // {"alg":"none"}, {"alg":"NONE","typ":"JWT"}
    for header in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOT05FIiwidHlwIjoiSldUIn0"] {
        for signature in ["", token.split('.').nth(2).unwrap()] {
            assert!(hs().check(&format!("{header}.{body}.{signature}")).is_err());
            assert!(validator.check(&format!("{header}.{body}.{signature}")).is_err());
        }
    }
}

#[test]
fn what_a_token_says_must_hold() {
    for (claims, why) in [
        (with("exp", json!(now() - 61)), "its token has expired"),
        (with("exp", json!("soon")), "its token lacks a claim"),
        (without("exp"), "its token lacks a claim"),
        (with("nbf", json!(now() + 120)), "its token is not valid yet"),
        (with("nbf", json!("later")), "its token lacks a claim"),
        (with("aud", json!("invoices")), "its token is meant for another audience"),
        (with("aud", json!(["invoices", "users"])), "its token is meant for another audience"),
        (without("aud"), "its token lacks a claim"),
        (with("iss", json!("mallory")), "its token is of another issuer"),
        (without("iss"), "its token lacks a claim"),
    ] {
        assert_eq!(hs().check(&signed(Algorithm::HS256, &claims)).unwrap_err(), why, "{claims}");
    }
    for claims in [
        claims(),
        with("exp", json!(now() - 30)),
        with("aud", json!(["invoices", "orders"])),
        with("nbf", json!(now() + 30)),
    ] {
        assert!(hs().check(&signed(Algorithm::HS256, &claims)).is_ok(), "{claims}");
    }
}

#[test]
fn what_was_changed_is_refused() {
    let token = signed(Algorithm::HS256, &claims());
    let other = signed(Algorithm::HS256, &with("sub", json!("mallory")));
    let (head, signature) = (token.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
    assert_eq!(hs().check(&format!("{head}.{signature}")).unwrap_err(), "its token's signature is wrong");
    for wrong in ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", head] {
        assert!(hs().check(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn rules_can_be_loosened_only_by_saying_so() {
    let eternal = signed(Algorithm::HS256, &without("exp"));
    assert!(hs().check(&eternal).is_err() && hs().allow_eternal().check(&eternal).is_ok());
    let late = signed(Algorithm::HS256, &with("exp", json!(now() - 61)));
    assert!(hs().allow_eternal().check(&late).is_err(), "what has a time still expires");
    assert!(hs().leeway(Duration::from_mins(2)).check(&late).is_ok());
    assert!(hs().leeway(Duration::MAX).check(&late).is_ok(), "nothing overflows");
    let strict = signed(Algorithm::HS256, &with("exp", json!(now() - 2)));
    assert!(hs().leeway(Duration::ZERO).check(&strict).is_err());
    let plain = JwtValidator::hs256(SECRET).unwrap();
    assert!(plain.check(&signed(Algorithm::HS256, &claims())).is_err(), "it is meant for somebody");
    assert!(plain.check(&signed(Algorithm::HS256, &without("aud"))).is_ok());
}

#[test]
fn keys_that_are_none_are_refused_and_never_shown() {
    assert_eq!(JwtValidator::hs256(b"secret").unwrap_err(), KeyError::Short(6));
    assert_eq!(JwtValidator::rs256(EC).unwrap_err(), KeyError::Malformed("RS256"));
    assert_eq!(JwtValidator::es256(b"nonsense").unwrap_err(), KeyError::Malformed("ES256"));
    assert!(!format!("{:?}", hs()).contains("0123456789"));
}
