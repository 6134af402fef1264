//! Certificates of a node and its clients, made afresh for each.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

use crate::folder::write_private;

/// An authority, and what it vouches for: a server at `localhost` and 127.0.0.1, and a client. All are PEM.
#[derive(Clone)]
pub struct Certificates {
    /// The authority's certificate, which clients must trust.
    pub authority: String,
    /// The server's certificate.
    pub server: String,
    /// The server's private key (PKCS #8).
    pub server_key: String,
    /// The client's certificate.
    pub client: String,
    /// The client's private key (PKCS #8).
    pub client_key: String,
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

impl Certificates {
    /// Makes a new authority and its two certificates. No node trusts them but the one that they were made for: a client
    /// that shows those of another is a stranger.
    pub fn generate() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "swit test authority");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key can be made");
        let authority = params.self_signed(&key).expect("an authority signs itself").pem();
        let issuer = Issuer::new(params, key);
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let (server, server_key) = leaf(&issuer, "localhost", &names, ExtendedKeyUsagePurpose::ServerAuth);
        let (client, client_key) = leaf(&issuer, "swit-client", &[], ExtendedKeyUsagePurpose::ClientAuth);
        Self { authority, server, server_key, client, client_key }
    }

    /// Writes the node's files into `folder`, and answers the lines of configuration that name them.
    pub(crate) fn install(&self, folder: &Path, port: u16, mutual: bool) -> Vec<String> {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            write_private(&path, text);
            path.display().to_string()
        };
        let verify = if mutual { "verify_peer" } else { "verify_none" };
        vec![
            format!("listeners.ssl.1 = 127.0.0.1:{port}"),
            format!("ssl_options.cacertfile = {}", write("authority.pem", &self.authority)),
            format!("ssl_options.certfile = {}", write("server.pem", &self.server)),
            format!("ssl_options.keyfile = {}", write("server-key.pem", &self.server_key)),
            format!("ssl_options.verify = {verify}"),
            format!("ssl_options.fail_if_no_peer_cert = {mutual}"),
        ]
    }
}

fn leaf(
    issuer: &Issuer<'_, KeyPair>,
    name: &str,
    hosts: &[String],
    usage: ExtendedKeyUsagePurpose,
) -> (String, String) {
    let mut params = CertificateParams::new(hosts).expect("names of hosts");
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate().expect("a key can be made");
    (params.signed_by(&key, issuer).expect("the authority signs").pem(), key.serialize_pem())
}
