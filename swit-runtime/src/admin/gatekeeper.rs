//! Who may read: the token, and what keeps a browser's pages from reading in their visitor's name.
//!
//! A page of somebody else's can make a browser ask any address, its own name included, which it may have let point to
//! this host (DNS rebinding). So a request has to name this host by an address, which no foreign page is served from, or by a
//! name that was configured; and one that says which page it comes from has to come from here.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use hyper::{
    HeaderMap, Uri,
    header::{AUTHORIZATION, HOST, HeaderValue, ORIGIN},
    http::uri::Authority,
};
use sha2::{Digest as _, Sha256};

use crate::text::Text;

/// Decides who may read.
pub(crate) struct Gatekeeper {
    /// Names of this host, in lower case.
    hosts: Vec<Text>,
    /// A digest of the token: as long as any other's, so that comparing takes the same time for all.
    token: Option<[u8; 32]>,
}

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) why: &'static str,
}

const fn refuse<T>(status: u16, why: &'static str) -> Result<T, Refusal> {
    Err(Refusal { status, why })
}

impl Gatekeeper {
    pub(crate) fn new(token: Option<&str>, hosts: Vec<Text>) -> Self {
        Self { hosts, token: token.map(digest) }
    }

    /// Whether who asks may read everything; a token that is wrong is refused, one that is not shown is not.
    ///
    /// # Errors
    /// The request comes from somewhere it must not come from, or shows a wrong token.
    pub(super) fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<bool, Refusal> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (hosts.next().map(HeaderValue::to_str), hosts.next()) {
            (None, _) => None,
            (Some(Ok(host)), None) => Some(host),
            _ => return refuse(400, "there is more than one Host, or it is not text"),
        };
        // HTTP/1.0 has neither, which is no browser's.
        for named in host.into_iter().chain(uri.authority().map(Authority::as_str)) {
            if !self.knows(named) {
                return refuse(
                    421,
                    "this host is not known by that name: ask by its address, or list it in `admin.hosts`",
                );
            }
        }
        if let Some(origin) = headers.get(ORIGIN)
            && !host.is_some_and(|host| is_of(origin, host))
        {
            return refuse(403, "pages of other origins may not read here");
        }
        let Some(token) = &self.token else { return Ok(true) };
        match headers.get(AUTHORIZATION) {
            None => Ok(false),
            Some(shown) if bearer(shown).is_some_and(|shown| same(&digest(shown), token)) => Ok(true),
            Some(_) => refuse(401, "the token is another one"),
        }
    }

    fn knows(&self, named: &str) -> bool {
        let Some(host) = without_port(named) else { return false };
        let is_address = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => host.parse::<Ipv4Addr>().is_ok(),
        };
        is_address
            || host.eq_ignore_ascii_case("localhost")
            || self.hosts.iter().any(|known| host.eq_ignore_ascii_case(known))
    }
}

/// A host without its port; none where that is no number.
fn without_port(named: &str) -> Option<&str> {
    let end = named.rfind(']').map_or(0, |end| end + 1);
    match named[end..].find(':') {
        None => Some(named),
        Some(colon) => {
            let port = &named[end + colon + 1..];
            port.bytes().all(|byte| byte.is_ascii_digit()).then_some(&named[..end + colon])
        }
    }
}

/// Whether an origin is what a request asked for.
fn is_of(origin: &HeaderValue, host: &str) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    ["http://", "https://"]
        .iter()
        .any(|scheme| origin.strip_prefix(scheme).is_some_and(|origin| origin.eq_ignore_ascii_case(host)))
}

/// The token of RFC 6750.
fn bearer(shown: &HeaderValue) -> Option<&str> {
    let (scheme, token) = shown.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Compares in the same time whatever they are.
fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    let differences = one.iter().zip(other).fold(0_u8, |seen, (one, other)| seen | (one ^ other));
    std::hint::black_box(differences) == 0
}

impl fmt::Debug for Gatekeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gatekeeper").field("hosts", &self.hosts).field("token", &self.token.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(keeper: &Gatekeeper, uri: &str, headers: &[(&'static str, &str)]) -> Result<bool, u16> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).expect("a value"));
        }
        keeper.admit(&uri.parse().expect("a uri"), &map).map_err(|refusal| refusal.status)
    }

    #[test]
    fn hosts_are_addresses_or_configured() {
        let keeper = Gatekeeper::new(None, vec!["admin.example".into()]);
        for (host, admitted) in [
            ("127.0.0.1:2112", Ok(true)),
            ("127.0.0.1", Ok(true)),
            ("[::1]:2112", Ok(true)),
            ("10.1.2.3", Ok(true)),
            ("localhost:2112", Ok(true)),
            ("LOCALHOST", Ok(true)),
            ("Admin.Example:80", Ok(true)),
            ("evil.example", Err(421)),
            ("localhost.evil.example", Err(421)),
            ("127.0.0.1.evil.example", Err(421)),
            ("127.0.0.1:2112@evil.example", Err(421)),
            ("admin.example:x", Err(421)),
            ("[::1", Err(421)),
            ("[evil]", Err(421)),
            ("::1", Err(421)),
            ("2130706433", Err(421)),
            ("", Err(421)),
        ] {
            assert_eq!(admit(&keeper, "/health", &[("host", host)]), admitted, "{host}");
        }
        assert_eq!(admit(&keeper, "/health", &[]), Ok(true));
        assert_eq!(admit(&keeper, "/health", &[("host", "localhost"), ("host", "localhost")]), Err(400));
        assert_eq!(admit(&keeper, "http://evil.example/health", &[("host", "localhost")]), Err(421));
    }

    #[test]
    fn origins_are_this_host() {
        let keeper = Gatekeeper::new(None, vec![]);
        for (origin, admitted) in [
            ("http://127.0.0.1:2112", Ok(true)),
            ("https://127.0.0.1:2112", Ok(true)),
            ("http://127.0.0.1", Err(403)),
            ("http://evil.example", Err(403)),
            ("http://127.0.0.1:2112.evil.example", Err(403)),
            ("null", Err(403)),
            ("", Err(403)),
        ] {
            let headers = [("host", "127.0.0.1:2112"), ("origin", origin)];
            assert_eq!(admit(&keeper, "/health", &headers), admitted, "{origin}");
        }
        assert_eq!(admit(&keeper, "/health", &[("origin", "http://localhost")]), Err(403));
    }

    #[test]
    fn tokens_are_the_whole_token() {
        let keeper = Gatekeeper::new(Some("0123456789abcdef"), vec![]);
        for (shown, admitted) in [
            (None, Ok(false)),
            (Some("Bearer 0123456789abcdef"), Ok(true)),
            (Some("bearer  0123456789abcdef"), Ok(true)),
            (Some("Bearer 0123456789abcde"), Err(401)),
            (Some("Bearer 0123456789abcdef0"), Err(401)),
            (Some("Bearer 0123456789ABCDEF"), Err(401)),
            (Some("Bearer "), Err(401)),
            (Some("Bearer"), Err(401)),
            (Some("Basic 0123456789abcdef"), Err(401)),
            (Some("0123456789abcdef"), Err(401)),
        ] {
            let headers: Vec<_> = shown.map(|shown| ("authorization", shown)).into_iter().collect();
            assert_eq!(admit(&keeper, "/health", &headers), admitted, "{shown:?}");
        }
        assert!(!format!("{keeper:?}").contains("0123"));
    }
}
