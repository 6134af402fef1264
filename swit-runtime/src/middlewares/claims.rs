//! What a token says of its bearer.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The claims of a valid token. Handlers take them as `Extension<Claims>`.
#[derive(Clone, Default, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// One claim.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// One claim, where it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// Whom the token is about: `sub`.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// Whether `scope` (words, RFC 8693) has this word.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.text("scope").is_some_and(|words| words.split(' ').any(|word| word == scope))
    }

    /// All of them as a type of one's own.
    ///
    /// # Errors
    /// They are not what the type needs.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(Value::Object(self.0.clone()))
    }
}

impl From<Map<String, Value>> for Claims {
    fn from(claims: Map<String, Value>) -> Self {
        Self(claims)
    }
}

impl fmt::Debug for Claims {
    /// The names only: what they say of a person is nobody's business in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Claims").field(&self.0.keys().collect::<Vec<_>>()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_one_by_one_or_as_a_type() {
        #[derive(serde::Deserialize)]
        struct Mine {
            tenant: u32,
        }
        let Value::Object(map) = serde_json::json!({"sub": "ada", "scope": "read write", "tenant": 7}) else {
            panic!()
        };
        let claims = Claims::from(map);
        assert_eq!(claims.subject(), Some("ada"));
        assert!(claims.has_scope("write") && !claims.has_scope("writ"));
        assert_eq!(claims.read::<Mine>().unwrap().tenant, 7);
        assert!(!format!("{claims:?}").contains("ada"));
    }
}
