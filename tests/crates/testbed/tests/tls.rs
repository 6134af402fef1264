//! TLS: who is let in.
#![expect(clippy::unwrap_used, reason = "tests")]

use lapin::{
    Connection, ConnectionProperties,
    tcp::{OwnedIdentity, OwnedTLSConfig},
};
use swit_testbed::{Broker, broker::Certificates};

async fn connects(broker: &Broker, trusted: &Certificates, shown: Option<&Certificates>) -> bool {
    let config = OwnedTLSConfig {
        identity: shown.map(|shown| OwnedIdentity::PKCS8 {
            pem: shown.client.clone().into_bytes(),
            key: shown.client_key.clone().into_bytes(),
        }),
        cert_chain: Some(trusted.authority.clone()),
    };
    let runtime = lapin::runtime::default_runtime().unwrap();
    Connection::connect_with_config(&broker.tls_url(), ConnectionProperties::default(), config, runtime).await.is_ok()
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let broker = Broker::options().mutual_tls().start();
    let known = broker.certificates();
    let stranger = Certificates::generate();
    assert!(connects(&broker, known, Some(known)).await);
    assert!(!connects(&broker, known, None).await, "without a certificate");
    assert!(!connects(&broker, known, Some(&stranger)).await, "with the certificate of another authority");
    assert!(!connects(&broker, &stranger, Some(known)).await, "without trust in the node's authority");
}

#[tokio::test]
async fn a_server_may_take_anybody() {
    let broker = Broker::options().tls().conf("heartbeat = 7").start();
    assert!(connects(&broker, broker.certificates(), None).await);
    assert_eq!(broker.eval("application:get_env(rabbit, heartbeat)"), "{ok,7}");
}
