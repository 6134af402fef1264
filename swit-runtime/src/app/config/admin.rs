//! `[admin]`: where the pages for operators are, and who may read them.

use std::{fmt, net::SocketAddr};

use swit_grammar::Fault;

use super::{
    Set,
    keys::{Key, keys},
    read::{Given, put},
};
use crate::text::Text;

/// Fewer characters than this are guessed.
const SHORTEST_TOKEN: usize = 16;
/// More do not fit beside other headers into what the server reads of a request.
const LONGEST_TOKEN: usize = 512;

/// `[admin]`: the HTTP server that serves health and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AdminSettings {
    /// Whether it is served.
    pub enabled: Option<Set<bool>>,
    /// The address that it listens at.
    pub address: Option<Set<SocketAddr>>,
    /// What a request has to show.
    pub token: Option<Set<AdminToken>>,
    /// A file that holds it.
    pub token_file: Option<Set<Text>>,
    /// Names that a request may address it by, beside addresses.
    pub hosts: Option<Set<Vec<Text>>>,
}

keys! {
    /// `[admin]`.
    ADMIN of AdminSettings:
    enabled by boolean, "`true` or `false`";
    address by address, "an IP address and a port, such as \"127.0.0.1:2112\"";
    token by token, "16 to 512 letters, digits and `-._~+/=`";
    token_file by path, "the path of a file that holds the token";
    hosts by hosts, "a list of host names, such as [\"admin.example\"]";
}

/// What a request has to show. It shows itself nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken(Text);

impl AdminToken {
    /// One of the characters that RFC 6750 allows, long enough not to be guessed.
    ///
    /// # Errors
    /// It is not one. What was given is not repeated.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if !text.bytes().all(is_allowed) {
            return Err(Fault::new("the token holds a character that can't stand in a header", ""));
        }
        if !(SHORTEST_TOKEN..=LONGEST_TOKEN).contains(&text.len()) {
            return Err(Fault::new(format!("the token has {} characters", text.len()), ""));
        }
        Ok(Self(text.into()))
    }

    /// The token itself: to be compared, never to be logged.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(***)")
    }
}

impl Given<'_> {
    fn address(&self) -> Result<SocketAddr, Fault> {
        let text = self.text()?.trim();
        text.parse().map_err(|_| Fault::new(format!("`{}` is not an address with a port", text.escape_debug()), ""))
    }

    fn token(&self) -> Result<AdminToken, Fault> {
        // `text` would show what it refuses.
        self.value
            .as_str()
            .map_or_else(|| Err(Fault::new("this is not text", "")), |text| AdminToken::parse(text.trim()))
    }

    /// Host names without a port, in lower case, as they are compared.
    fn hosts(&self) -> Result<Vec<Text>, Fault> {
        let hosts = self.list()?.into_iter().filter(|host| !host.is_empty());
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        hosts
            .map(|host| {
                if host.len() > 253 || !host.bytes().all(is_allowed) {
                    return Err(Fault::new(
                        format!("`{}` is not the name of a host", host.escape_debug()),
                        "write names without scheme, port and path; addresses are always allowed",
                    ));
                }
                Ok(host.to_ascii_lowercase().into())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Known, Layers};
    use super::*;

    fn read(text: &str) -> (AdminSettings, Vec<String>) {
        let (settings, faults) = Layers::none().text("swit.toml", text).read(&Known::default());
        (settings.admin, faults.iter().map(|fault| format!("{}; {}", fault.message, fault.help)).collect())
    }

    #[test]
    fn what_is_written_is_read() {
        let (admin, faults) = read(
            "[admin]\naddress = '[::1]:0'\ntoken = '0123456789abcdef'\nhosts = ['Admin.Example']\nenabled = true\ntoken_file = '/run/t'",
        );
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(admin.address.as_ref().map(|set| set.value), "[::1]:0".parse().ok());
        assert_eq!(admin.hosts.as_ref().map(|set| set.value.clone()), Some(vec!["admin.example".into()]));
        assert_eq!(admin.token.as_ref().map(|set| set.value.expose()), Some("0123456789abcdef"));
        assert!(!format!("{admin:?}").contains("0123456789abcdef"));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_token() {
        for (key, said) in [
            ("address = ':2112'", "`admin.address`: `:2112` is not an address with a port; write an IP address"),
            ("address = 'localhost:2112'", "is not an address with a port"),
            ("token = 'hunter2'", "`admin.token`: the token has 7 characters; write 16 to 512"),
            ("token = 'hunter2 hunter2 hunter2'", "`admin.token`: the token holds a character"),
            ("token = 1234567890123456", "`admin.token`: this is not text"),
            ("hosts = ['https://a.b']", "`admin.hosts`: `https://a.b` is not the name of a host"),
            ("adress = 'x'", "there is no key `adress`; did you mean `address`?"),
        ] {
            let (_, faults) = read(&format!("[admin]\n{key}"));
            assert!(faults.len() == 1 && faults[0].contains(said), "{key}: {faults:?}");
            assert!(!faults[0].contains("hunter2") && !faults[0].contains("34567890"), "{faults:?}");
        }
    }

    #[test]
    fn a_token_comes_from_a_file_or_the_environment() {
        for (name, value, expected) in [
            ("SWIT_ADMIN__TOKEN", "0123456789abcdef", Some("0123456789abcdef")),
            ("SWIT_ADMIN__TOKEN", "1234567890123456", Some("1234567890123456")),
        ] {
            let (settings, faults) = Layers::none().environment([(name, value)]).read(&Known::default());
            assert!(faults.is_empty(), "{faults:?}");
            assert_eq!(settings.admin.token.as_ref().map(|set| set.value.expose()), expected);
        }
    }
}
