//! Over TLS, as a deployment configures it: the broker's certificate is verified, the client's own is shown, and what is
//! wrong is said at once and by name.
#![cfg(feature = "rabbitmq")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![expect(clippy::unused_async, reason = "a handler is async whether or not it waits")]

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use swit::{App, Event, State, subscriber};
use swit_testbed::{Broker, broker::Certificates, folder::Folder};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "secret.told", version = 1)]
struct Told {
    number: u32,
}

#[subscriber(topic = "secret.told")]
async fn hear(told: Told, heard: State<mpsc::UnboundedSender<u32>>) {
    let _ = heard.send(told.number);
}

/// Files of certificates, as a deployment has them.
struct Files(Folder);

impl Files {
    fn new() -> Self {
        Self(Folder::temporary("tls"))
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The keys for an authority, and for a client's certificate if it is to show one.
    fn of(&self, certificates: &Certificates, shows_its_own: bool) -> String {
        let key = |key: &str, path: &Path| format!("{key} = {:?}\n", path.display().to_string());
        let mut keys = key("ca_file", &self.write("ca.pem", &certificates.authority));
        if shows_its_own {
            keys += &key("cert_file", &self.write("client.pem", &certificates.client));
            keys += &key("key_file", &self.write("client.key", &certificates.client_key));
        }
        keys
    }
}

fn app(url: &str, keys: &str) -> (App, mpsc::UnboundedReceiver<u32>) {
    let (heard, hearing) = mpsc::unbounded_channel();
    let config = format!("[transport.default]\nurl = {url:?}\nconnect_timeout = \"20s\"\n{keys}");
    (App::only::<(hear,)>().service("tls", "1").config_text("swit.toml", &config).provide(heard), hearing)
}

/// Publishes and consumes.
async fn works(url: &str, keys: &str) {
    let (app, mut hearing) = app(url, keys);
    let running = app.start().await.unwrap();
    running.publisher().unwrap().publish(&Told { number: 7 }).await.unwrap();
    assert_eq!(timeout(Duration::from_secs(30), hearing.recv()).await.unwrap(), Some(7));
    running.shutdown().await.unwrap();
}

/// Does not start; what it says, which it says before its time to connect is over.
async fn is_refused(url: &str, keys: &str) -> String {
    let began = Instant::now();
    let (app, _) = app(url, keys);
    let Err(error) = app.start().await else { panic!("it started") };
    assert!(began.elapsed() < Duration::from_secs(15), "said after {:?}", began.elapsed());
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text += ": ";
        text += &cause.to_string();
        source = cause.source();
    }
    assert!(!text.contains("guest:guest"), "{text}");
    text
}

/// The same node under an address that its certificate does not name.
async fn elsewhere(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut node = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut node).await });
        }
    });
    address.port()
}

#[tokio::test]
async fn the_brokers_certificate_is_verified() {
    let broker = Broker::options().tls().start();
    let files = Files::new();
    works(&broker.tls_url(), &files.of(broker.certificates(), false)).await;
    // Nobody vouches for it.
    let text = is_refused(&broker.tls_url(), "").await;
    assert!(text.contains("certificate") && text.contains("UnknownIssuer"), "{text}");
    // Somebody else does.
    let text = is_refused(&broker.tls_url(), &files.of(&Certificates::generate(), false)).await;
    assert!(text.contains("certificate"), "{text}");
    // It names another host.
    let port = elsewhere(broker.tls_port()).await;
    let elsewhere = format!("amqps://guest:guest@127.0.0.2:{port}");
    let text = is_refused(&elsewhere, &files.of(broker.certificates(), false)).await;
    assert!(text.contains("certificate"), "{text}");
}

#[tokio::test]
async fn a_client_shows_its_own_certificate() {
    let broker = Broker::options().mutual_tls().start();
    let files = Files::new();
    works(&broker.tls_url(), &files.of(broker.certificates(), true)).await;
    is_refused(&broker.tls_url(), &files.of(broker.certificates(), false)).await;
}

#[tokio::test]
async fn certificates_that_cant_be_read_are_named() {
    let files = Files::new();
    let nowhere = is_refused("amqps://localhost", "ca_file = \"/nowhere/ca.pem\"").await;
    assert!(nowhere.contains("/nowhere/ca.pem"), "{nowhere}");
    let path = files.write("ca.pem", "no certificate");
    let nothing = is_refused("amqps://localhost", &format!("ca_file = {:?}", path.display().to_string())).await;
    assert!(nothing.contains("ca.pem"), "{nothing}");
}
