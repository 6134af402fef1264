//! `exporter = "otlp"`: spans go to a collector, over gRPC or HTTP.

use std::{collections::HashMap, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use hyper_rustls::HttpsConnectorBuilder;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_otlp::{
    SpanExporter, WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _,
    tonic_types::{metadata::MetadataMap, transport::ClientTlsConfig},
};

use super::Exporter;
use crate::classify::BoxError;

/// How a collector is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    Http,
}

/// A collector. What is not said here the standard variables say (`OTEL_EXPORTER_OTLP_ENDPOINT` and the like), else it is
/// the one of this host.
#[derive(Clone)]
pub(crate) struct Collector {
    pub(crate) protocol: Protocol,
    pub(crate) endpoint: Option<String>,
    pub(crate) headers: HashMap<String, String>,
}

/// Where a collector takes spans by HTTP.
const PATH: &str = "/v1/traces";
/// How long one export may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The exporter to a collector. Connects when there is something to export, in the runtime of this call.
///
/// # Errors
/// The endpoint or a header is none.
pub(crate) fn collector(collector: Collector) -> Result<Exporter, BoxError> {
    let Collector { protocol, endpoint, headers } = collector;
    let exporter = match protocol {
        Protocol::Grpc => {
            let mut builder = SpanExporter::builder().with_tonic();
            if endpoint.as_ref().is_some_and(|url| url.starts_with("https://")) {
                builder = builder.with_tls_config(ClientTlsConfig::new().with_native_roots());
            }
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            let mut metadata = HeaderMap::new();
            for (name, value) in &headers {
                let (name, value) = (HeaderName::try_from(name), HeaderValue::try_from(value));
                // What `value` holds is a secret: its error shows nothing.
                metadata.insert(name?, value?);
            }
            builder.with_metadata(MetadataMap::from_headers(metadata)).build()?
        }
        Protocol::Http => {
            let builder = SpanExporter::builder().with_http().with_headers(headers);
            let mut builder = if endpoint.as_ref().is_some_and(|url| url.starts_with("https://")) {
                let connector = HttpsConnectorBuilder::new()
                    .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
                    .https_only()
                    .enable_http1()
                    .build();
                builder.with_http_client(HyperClient::new(connector, TIMEOUT, None))
            } else {
                builder.with_http_client(HyperClient::with_default_connector(TIMEOUT, None))
            };
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(with_path(endpoint));
            }
            builder.build()?
        }
    };
    Ok(Exporter::new(exporter))
}

/// A url without a path is that of the collector as a whole.
fn with_path(endpoint: String) -> String {
    let host = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, rest)| rest);
    match host.split_once('/') {
        None => endpoint + PATH,
        Some((_, "")) => endpoint.trim_end_matches('/').to_owned() + PATH,
        Some(_) => endpoint,
    }
}

#[cfg(test)]
mod tests {
    use super::with_path;

    #[test]
    fn a_path_that_is_written_stands() {
        for (endpoint, url) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("http://collector:4318/", "http://collector:4318/v1/traces"),
            ("https://collector/otlp/v1/traces", "https://collector/otlp/v1/traces"),
        ] {
            assert_eq!(with_path(endpoint.to_owned()), url);
        }
    }
}
