//! From `[admin]` to what is opened, checked.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
};

use crate::{
    app::{
        builder::{App, Part},
        config::{AdminToken, Origin, Set, Settings},
        graph::Faults,
    },
    text::Text,
};

/// Where the pages are where nobody says otherwise.
const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 2112);

/// A server that is to be opened.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "admin"), expect(dead_code, reason = "there is nobody to open it"))]
pub(crate) struct Opening {
    /// The address.
    pub(crate) address: SocketAddr,
    /// Who wrote it; nobody: then it may be taken.
    pub(crate) written: Option<Origin>,
    /// What a request has to show.
    pub(crate) token: Option<AdminToken>,
    /// Names of this host.
    pub(crate) hosts: Vec<Text>,
}

/// What is to be opened, if anything is: where an address is written, and in a service that was run as a whole.
///
/// Tests run beside each other, and commands beside a service: there a file's address would be had by one alone.
pub(crate) fn opening(app: &App, settings: &Settings, faults: &mut Faults) -> Option<Opening> {
    let admin = &settings.admin;
    if admin.enabled.as_ref().is_some_and(|set| !set.value) {
        return None;
    }
    let written = admin.address.as_ref();
    if !cfg!(feature = "admin") {
        let said = [
            written.map(|set| &set.origin),
            admin.enabled.as_ref().map(|set| &set.origin),
            admin.token.as_ref().map(|set| &set.origin),
            admin.token_file.as_ref().map(|set| &set.origin),
            admin.hosts.as_ref().map(|set| &set.origin),
        ];
        if let Some(origin) = said.into_iter().flatten().next() {
            faults.add(
                origin,
                "`admin`: the pages for operators are not compiled in",
                "enable the feature `admin` of the crate `swit`, or say `admin.enabled = false`",
            );
        }
        return None;
    }
    let is_wanted = match written {
        Some(set) if app.embedded => matches!(set.origin, Origin::Builder),
        Some(_) => app.part == Part::Whole,
        None => app.serves,
    };
    let token = token(is_wanted, settings, faults);
    let address = written.map_or(DEFAULT_ADDRESS, |set| set.value);
    if !address.ip().is_loopback()
        && matches!(token, Token::None)
        && let Some(set) = written
    {
        faults.add(
            &set.origin,
            format!("`admin.address`: everybody who reaches {address} could read the pages"),
            "set a token, best by `admin.token_file`, or listen on a loopback address such as 127.0.0.1",
        );
    }
    is_wanted.then(|| Opening {
        address,
        written: written.map(|set| set.origin.clone()),
        token: if let Token::Known(token) = token { Some(token) } else { None },
        hosts: admin.hosts.as_ref().map(|set| set.value.clone()).unwrap_or_default(),
    })
}

enum Token {
    None,
    Known(AdminToken),
    /// Refused, which is said already; or in a file that need not be there, as nothing is served.
    Unclear,
}

/// The token, of the later layer of its two keys.
fn token(is_wanted: bool, settings: &Settings, faults: &mut Faults) -> Token {
    let (token, file) = (settings.admin.token.as_ref(), settings.admin.token_file.as_ref());
    let file = match (token, file) {
        (Some(token), Some(file)) if token.origin.rank() == file.origin.rank() => {
            let message = format!("`admin.token_file`: `admin.token` is set as well, by the {}", token.origin);
            faults.add(&file.origin, message, "remove one of them");
            return Token::Unclear;
        }
        (Some(token), Some(file)) if token.origin.rank() > file.origin.rank() => {
            return Token::Known(token.value.clone());
        }
        (_, Some(file)) => file,
        (Some(token), None) => return Token::Known(token.value.clone()),
        (None, None) => return Token::None,
    };
    if !is_wanted {
        return Token::Unclear;
    }
    match read(file) {
        Ok(token) => Token::Known(token),
        Err(why) => {
            faults.add(&file.origin, format!("`admin.token_file`: {why}"), "name a readable file that holds the token");
            Token::Unclear
        }
    }
}

fn read(file: &Set<Text>) -> Result<AdminToken, String> {
    let path = file.value.as_str();
    let content = fs::read_to_string(path)
        .map_err(|error| format!("the file `{}` can't be read: {error}", path.escape_debug()))?;
    AdminToken::parse(content.trim_end_matches(['\n', '\r']))
        .map_err(|fault| format!("`{}`: {}", path.escape_debug(), fault.message))
}
