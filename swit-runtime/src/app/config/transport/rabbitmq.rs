//! From the keys of a transport to the options of the RabbitMQ transport.

use std::fs;

use swit_grammar::Fault;

use super::{QueueType, TransportSettings};
use crate::{
    app::config::Set,
    error::StartupFault,
    text::Text,
    transports::rabbitmq::{Address, AddressError, Management, ManagementError, QueueKind, RabbitMqOptions, Tls},
};

/// An address that can't be used, as a fault.
pub(in crate::app::config) fn fault_of(error: &impl std::error::Error) -> Fault {
    let text = error.to_string();
    // What to do about it follows what is wrong.
    let (message, help) = text.split_once("; ").unwrap_or((&text, "correct it"));
    Fault::new(message, help)
}

impl TransportSettings {
    /// Where the url sends password and messages in the clear over a network and nobody said that it may.
    pub(super) fn plaintext(&self, name: &str) -> Option<StartupFault> {
        let url = self.url.as_ref()?;
        let fault = fault_of(&self.address()?.err()?);
        let message = format!("`transport.{name}.url`: `{}`: {}", url.value, fault.message);
        Some(StartupFault::new(&url.origin, message, fault.help))
    }

    /// Where the management API can't be asked at its url.
    pub(super) fn management_fault(&self, name: &str) -> Option<StartupFault> {
        let set = self.management.as_ref()?;
        let fault = fault_of(&self.management()?.err()?);
        Some(StartupFault::new(&set.origin, format!("`transport.{name}.management`: {}", fault.message), fault.help))
    }

    fn management(&self) -> Option<Result<Management, ManagementError>> {
        self.management.as_ref().map(|set| Management::parse(set.value.expose(), self.allows_plaintext()))
    }

    fn address(&self) -> Option<Result<Address, AddressError>> {
        self.url.as_ref().map(|url| Address::parse(&url.value.expose_bare(), self.allows_plaintext()))
    }

    fn allows_plaintext(&self) -> bool {
        self.allow_plaintext.as_ref().is_some_and(|set| set.value)
    }

    /// The options of the transport `name`, which shows itself to the broker as `client`. Certificates are read.
    /// `None`: it is none, or its url was refused already.
    ///
    /// # Errors
    /// Files that can't be read, or do not hold what they are named for.
    pub(crate) fn rabbitmq(&self, name: &str, client: Text) -> Result<Option<RabbitMqOptions>, Vec<StartupFault>> {
        let Some(Ok(address)) = self.address() else { return Ok(None) };
        let mut options = RabbitMqOptions::new(address);
        options.client = client;
        options.tls = self.tls(name)?;
        // What can't be used was refused already.
        options.management = self.management().and_then(Result::ok);
        options.heartbeat = self.heartbeat().unwrap_or(options.heartbeat);
        options.connect_timeout = self.connect_timeout().unwrap_or(options.connect_timeout);
        put(&mut options.exchange, self.exchange.as_ref());
        put(&mut options.declare, self.declare.as_ref());
        put(&mut options.delivery_limit, self.delivery_limit.as_ref());
        put(&mut options.confirm_timeout, self.confirm_timeout.as_ref());
        put(&mut options.window, self.window.as_ref());
        put(&mut options.ack_limit, self.ack_limit.as_ref());
        options.queues = match self.queues.as_ref().map(|set| set.value).unwrap_or_default() {
            QueueType::Quorum => QueueKind::Quorum,
            QueueType::Classic => QueueKind::Classic,
        };
        Ok(Some(options))
    }

    fn tls(&self, name: &str) -> Result<Tls, Vec<StartupFault>> {
        let mut faults = Vec::new();
        let mut read = |key: &str, set: Option<&Set<Text>>, label: &str| {
            set.and_then(|set| {
                pem(set, label)
                    .map_err(|why| {
                        let message =
                            format!("`transport.{name}.{key}`: the file `{}` {why}", set.value.escape_debug());
                        faults.push(StartupFault::new(&set.origin, message, "name a readable PEM file"));
                    })
                    .ok()
            })
        };
        let ca = read("ca_file", self.ca_file.as_ref(), "CERTIFICATE");
        let chain = read("cert_file", self.cert_file.as_ref(), "CERTIFICATE");
        let key = read("key_file", self.key_file.as_ref(), "PRIVATE KEY");
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Tls { ca, identity: chain.zip(key) })
    }
}

fn put<T: Clone>(option: &mut T, set: Option<&Set<T>>) {
    if let Some(set) = set {
        *option = set.value.clone();
    }
}

/// The text of a PEM file that holds something of this label, or what is wrong with it: never what it holds.
fn pem(path: &Set<Text>, label: &str) -> Result<String, String> {
    let text = fs::read_to_string(path.value.as_str()).map_err(|error| format!("can't be read: {error}"))?;
    if text.trim().is_empty() {
        return Err("is empty".into());
    }
    let is_it = |line: &str| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(&format!("{label}-----"));
    if text.lines().any(is_it) { Ok(text) } else { Err(format!("holds no `-----BEGIN {label}-----`")) }
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, time::Duration};

    use super::*;
    use crate::app::config::{Known, Layers};

    fn settings(text: &str) -> TransportSettings {
        let (mut settings, faults) =
            Layers::none().text("swit.toml", format!("[transport.mq]\n{text}")).read(&Known::default());
        assert!(faults.is_empty(), "{faults:?}");
        settings.transports.remove("mq").expect("it is set")
    }

    fn options(text: &str) -> RabbitMqOptions {
        settings(text).rabbitmq("mq", "orders@host-1".into()).expect("no files").expect("a RabbitMQ transport")
    }

    #[test]
    fn every_key_reaches_its_option() {
        let options = options(
            "url = 'amqp://app:pw@mq/orders'
             exchange = 'acme.events'
             queues = 'quorum'
             declare = true
             delivery_limit = 7
             heartbeat = '3s'
             connect_timeout = '4s'
             confirm_timeout = '5s'
             window = 6
             ack_limit = '8m'
             allow_plaintext = true
             management = 'http://app:pw@mq'",
        );
        let shown = format!("{options:?}");
        assert_eq!(options.address.to_string(), "amqp://app:***@mq:5672/orders");
        assert_eq!((options.exchange.as_str(), options.client.as_str()), ("acme.events", "orders@host-1"));
        assert_eq!((options.queues, options.declare, options.delivery_limit), (QueueKind::Quorum, true, 7));
        assert_eq!((options.heartbeat, options.connect_timeout), (Duration::from_secs(3), Duration::from_secs(4)));
        assert_eq!((options.confirm_timeout, options.window), (Duration::from_secs(5), 6));
        assert_eq!(options.ack_limit, Duration::from_mins(8));
        assert!(shown.contains("http://app:***@mq:15672") && !shown.contains("pw"), "{shown}");
        assert_eq!(self::options("url = 'amqp://'\nqueues = 'classic'").queues, QueueKind::Classic);
        assert!(!self::options("url = 'amqp://'\ndeclare = false").declare);
    }

    #[test]
    fn what_is_not_set_is_the_transports_own() {
        let (options, own) =
            (options("url = 'amqp://'"), RabbitMqOptions::new(Address::parse("amqp://", false).unwrap()));
        let comparable = |mut options: RabbitMqOptions| {
            options.client = Text::from_static("x");
            format!("{options:?}")
        };
        assert_eq!(comparable(options), comparable(own));
    }

    #[test]
    fn a_parameter_of_the_url_and_its_key_are_one_setting() {
        for (text, heartbeat, timeout) in [
            ("url = 'amqp://localhost?heartbeat=7&connection_timeout=1500'", 7_000, 1_500),
            (
                "url = 'amqp://localhost?heartbeat=7&connection_timeout=1500'\nheartbeat = '9s'\nconnect_timeout = '2s'",
                9_000,
                2_000,
            ),
        ] {
            let options = options(text);
            assert_eq!(options.heartbeat, Duration::from_millis(heartbeat));
            assert_eq!(options.connect_timeout, Duration::from_millis(timeout));
        }
        let (settings, _) = Layers::none()
            .text("swit.toml", "[transport.default]\nheartbeat = '9s'")
            .environment([("SWIT_TRANSPORT", "amqp://localhost?heartbeat=7")])
            .read(&Known::default());
        assert_eq!(settings.transports["default"].heartbeat(), Some(Duration::from_secs(7)));
    }

    #[test]
    fn certificates_are_read() {
        let directory = std::env::temp_dir().join(format!("swit-certificates-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        let write = |name: &str, text: &str| {
            let path: PathBuf = directory.join(name);
            fs::write(&path, text).expect("written");
            path.display().to_string()
        };
        let certificate = write("c.pem", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
        let key = write("k.pem", "# a key\n-----BEGIN EC PRIVATE KEY-----\nhunter2=\n-----END EC PRIVATE KEY-----\n");
        let (empty, missing) = (write("empty.pem", " \n"), directory.join("missing.pem").display().to_string());
        let tls = |ca: &str, cert: &str, key: &str| {
            let text = format!("url = 'amqps://mq'\nca_file = '{ca}'\ncert_file = '{cert}'\nkey_file = '{key}'");
            settings(&text).rabbitmq("mq", "x".into()).map(|options| options.expect("RabbitMQ").tls)
        };
        let read = tls(&certificate, &certificate, &key).expect("all there");
        assert!(read.ca.is_some_and(|ca| ca.contains("AA==")));
        assert!(read.identity.is_some_and(|(chain, key)| chain.contains("AA==") && key.contains("EC PRIVATE")));
        let faults = tls(&missing, &empty, &certificate).map(|_| ()).expect_err("all wrong");
        let texts: Vec<_> = faults.iter().map(|fault| format!("{}: {}", fault.location, fault.message)).collect();
        assert_eq!(texts.len(), 3, "{texts:?}");
        for (text, (key, why)) in texts.iter().zip([
            ("swit.toml:3: `transport.mq.ca_file`: the file `", "missing.pem` can't be read: "),
            ("swit.toml:4: `transport.mq.cert_file`: the file `", "empty.pem` is empty"),
            ("swit.toml:5: `transport.mq.key_file`: the file `", "c.pem` holds no `-----BEGIN PRIVATE KEY-----`"),
        ]) {
            assert!(text.starts_with(key) && text.contains(why), "{text}");
        }
        let swapped = tls(&certificate, &key, &key).map(|_| ()).expect_err("a key is no certificate");
        assert!(!format!("{swapped:?}").contains("hunter2"));
        fs::remove_dir_all(&directory).expect("removed");
    }
}
