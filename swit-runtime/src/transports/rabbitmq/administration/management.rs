//! The management API of a broker: where it is, and the two lists that it is asked for.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::Url;

use super::{http, listing::Listing};
use crate::transports::rabbitmq::options::Address;

/// Where the management API of a broker is: `http://user:password@host:15672`. Shown without its password.
///
/// Without a user it is asked as the one that connects by AMQP. It is only ever read. TLS is not spoken to it: ask it on
/// this machine, or through a tunnel.
#[derive(Clone, PartialEq, Eq)]
pub struct Management {
    host: String,
    port: u16,
    user: Option<(String, String)>,
}

/// An address of a management API that can't be used, and why. It repeats nothing of the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManagementError {
    /// It is no address of a management API.
    #[error("it is no address of a management API; write `http://localhost:15672`")]
    NotHttp,
    /// TLS is not spoken.
    #[error("the management API is not asked over TLS; use `http://` on the broker's machine, or a tunnel")]
    Tls,
    /// A password would travel in the clear.
    #[error(
        "`http://` to a host other than this one sends the password in the clear; use a tunnel, or say `allow_plaintext = true`"
    )]
    Plaintext,
}

impl Management {
    /// Reads an address. The port is 15672 unless it says another.
    ///
    /// # Errors
    /// [`ManagementError`].
    pub fn parse(url: &str, allow_plaintext: bool) -> Result<Self, ManagementError> {
        let says_80 = url.trim().trim_end_matches('/').ends_with(":80");
        let url = Url::parse(url.trim()).map_err(|_| ManagementError::NotHttp)?;
        if url.scheme() == "https" {
            return Err(ManagementError::Tls);
        }
        let has_more = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
        if url.scheme() != "http" || has_more {
            return Err(ManagementError::NotHttp);
        }
        let host = match url.host().ok_or(ManagementError::NotHttp)? {
            url::Host::Domain(name) => name.to_owned(),
            url::Host::Ipv4(address) => address.to_string(),
            url::Host::Ipv6(address) => address.to_string(),
        };
        let is_local = host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
        if !is_local && !allow_plaintext {
            return Err(ManagementError::Plaintext);
        }
        let user = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some((decoded(user), decoded(password.unwrap_or_default()))),
        };
        // `Url` leaves out a port that is the scheme's own.
        let port = url.port().unwrap_or(if says_80 { 80 } else { 15_672 });
        Ok(Self { host, port, user })
    }

    /// Lists the queues and bindings of the virtual host that an AMQP address names.
    ///
    /// # Errors
    /// Why there is no list, in words.
    pub(super) async fn list(&self, address: &Address) -> Result<Listing, String> {
        const QUEUES: &str = "columns=name,messages,consumers,auto_delete,exclusive,arguments";
        const BINDINGS: &str = "columns=source,destination,destination_type,routing_key";
        let (user, password) = match &self.user {
            Some((user, password)) => (user.as_str(), password.as_str()),
            None => address.credentials(),
        };
        let authorization = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let vhost = encoded(address.vhost());
        let ask = async |path: String| {
            let answer = http::get(&self.host, self.port, &path, &authorization).await;
            answer.map_err(|error| format!("the management API at {self} can't be asked: {error}"))
        };
        let queues = ask(format!("/api/queues/{vhost}?{QUEUES}")).await?;
        let bindings = ask(format!("/api/bindings/{vhost}?{BINDINGS}")).await?;
        Listing::read(&queues, &bindings)
            .map_err(|error| format!("the management API at {self} answers something else: {error}"))
    }
}

/// As a part of a path (RFC 3986).
fn encoded(text: &str) -> String {
    let encode = |byte: u8| {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if is_plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(encode).collect()
}

/// A part of an address, as it was meant.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| first == b'%').and_then(|hex| str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl fmt::Display for Management {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match &self.user {
            Some((user, _)) => write!(f, "http://{user}:***@{host}:{}", self.port),
            None => write!(f, "http://{host}:{}", self.port),
        }
    }
}

impl fmt::Debug for Management {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_passwords_hidden() {
        for (url, shown) in [
            ("http://localhost", "http://localhost:15672"),
            ("http://localhost:80/", "http://localhost:80"),
            ("http://127.0.0.1:15673/", "http://127.0.0.1:15673"),
            ("http://[::1]:1", "http://[::1]:1"),
            ("http://app:p%40ss@localhost", "http://app:***@localhost:15672"),
        ] {
            let management = Management::parse(url, false).unwrap();
            assert_eq!(management.to_string(), shown);
            assert!(!format!("{management:?}").contains("ss@"));
        }
        let user = Management::parse("http://a%2Fb:p%40ss@localhost", false).unwrap().user;
        assert_eq!(user, Some(("a/b".to_owned(), "p@ss".to_owned())));
        for (url, error) in [
            ("https://localhost:15671", ManagementError::Tls),
            ("http://mq.example:15672", ManagementError::Plaintext),
            ("localhost:15672", ManagementError::NotHttp),
            ("http://localhost/api", ManagementError::NotHttp),
            ("", ManagementError::NotHttp),
        ] {
            assert_eq!(Management::parse(url, false).unwrap_err(), error, "{url}");
        }
        assert!(Management::parse("http://mq.example", true).is_ok());
    }

    #[test]
    fn a_virtual_host_is_one_part_of_a_path() {
        assert_eq!(encoded("/"), "%2F");
        assert_eq!(encoded("a b/ü-1"), "a%20b%2F%C3%BC-1");
    }
}
