//! `exporter = "otlp"`: spans go to a collector, over gRPC or HTTP.
//!
//! Guarantees:
//! - headers that are configured are the only ones: those of the standard variables, which may hold a token for somebody
//!   else, don't go with them;
//! - what a header holds is a secret: no client shows it, and none has it kept in a table of compressed headers.

use std::{fmt, pin::Pin, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use hyper_rustls::HttpsConnectorBuilder;
use opentelemetry_http::{Bytes, HttpClient, HttpError, hyper::HyperClient};
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

/// A collector.
pub(crate) struct Collector {
    pub(crate) protocol: Protocol,
    /// Where spans are taken: with its path, for HTTP.
    pub(crate) endpoint: String,
    /// What it is told with each export; `None`: what the standard variables say (`OTEL_EXPORTER_OTLP_HEADERS`).
    pub(crate) headers: Option<Vec<(String, String)>>,
    /// How long one export may take.
    pub(crate) timeout: Duration,
}

/// The exporter to a collector. Connects when there is something to export, in the runtime of this call.
///
/// # Errors
/// The endpoint or a header is none, or there are no roots to trust a collector by.
pub(crate) fn collector(collector: Collector) -> Result<Exporter, BoxError> {
    let Collector { protocol, endpoint, headers, timeout } = collector;
    let headers = Own(headers.map(read).transpose()?);
    let is_tls = endpoint.starts_with("https://");
    let exporter = match protocol {
        Protocol::Grpc => {
            let mut builder = SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(timeout);
            if is_tls {
                builder = builder.with_tls_config(ClientTlsConfig::new().with_native_roots());
            }
            let told = move |mut request: tonic::Request<()>| {
                let metadata = request.metadata_mut();
                let mut sent = std::mem::take(metadata).into_headers();
                headers.apply(&mut sent);
                *metadata = MetadataMap::from_headers(sent);
                Ok(request)
            };
            builder.with_interceptor(told).build()?
        }
        Protocol::Http => {
            let builder = SpanExporter::builder().with_http().with_endpoint(endpoint).with_timeout(timeout);
            if is_tls {
                let connector = HttpsConnectorBuilder::new()
                    .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
                    .https_only()
                    .enable_http1()
                    .build();
                builder.with_http_client(Client(HyperClient::new(connector, timeout, None), headers)).build()?
            } else {
                let client = HyperClient::with_default_connector(timeout, None);
                builder.with_http_client(Client(client, headers)).build()?
            }
        }
    };
    Ok(Exporter::new(exporter))
}

fn read(headers: Vec<(String, String)>) -> Result<HeaderMap, BoxError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        // An error of a value does not show it.
        map.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    Ok(map)
}

/// The headers that are configured, if they are.
#[derive(Clone)]
struct Own(Option<HeaderMap>);

/// Headers that say what an export is, and not to whom it goes.
const OF_THE_EXPORT: [HeaderName; 3] = [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::USER_AGENT];

impl Own {
    /// Puts them in the place of whatever the exporter took from the environment, and has none shown.
    fn apply(&self, headers: &mut HeaderMap) {
        if let Some(own) = &self.0 {
            let sent = std::mem::take(headers);
            let kept = OF_THE_EXPORT.into_iter().filter_map(|name| Some((sent.get(&name)?.clone(), name)));
            headers.extend(kept.map(|(value, name)| (name, value)));
            headers.extend(own.clone());
        }
        headers.iter_mut().filter(|(name, _)| !OF_THE_EXPORT.contains(name)).for_each(|(_, value)| {
            value.set_sensitive(true);
        });
    }
}

/// A client that tells a collector no more than it is to be told.
struct Client<C>(C, Own);

impl<C> fmt::Debug for Client<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl<C: HttpClient> HttpClient for Client<C> {
    fn send_bytes<'life, 'async_trait>(
        &'life self,
        mut request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
    where
        'life: 'async_trait,
        Self: 'async_trait,
    {
        self.1.apply(request.headers_mut());
        self.0.send_bytes(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_configured_stands_alone_and_nothing_is_shown() {
        let from_the_environment = || {
            let pairs =
                [("content-type", "application/x-protobuf"), ("authorization", "hunter2"), ("x-other", "hunter3")];
            read(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()).unwrap()
        };
        let mut headers = from_the_environment();
        Own(None).apply(&mut headers);
        assert_eq!(headers, from_the_environment());
        let shown = format!("{headers:?}");
        assert!(!shown.contains("hunter") && shown.contains("application/x-protobuf"), "{shown}");

        Own(Some(read(vec![("x-tenant".to_owned(), "hunter4".to_owned())]).unwrap())).apply(&mut headers);
        let mut left: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        left.sort_unstable();
        assert_eq!(left, [("content-type", "application/x-protobuf"), ("x-tenant", "hunter4")]);
        assert!(!format!("{headers:?}").contains("hunter"));
    }

    #[test]
    fn a_header_that_is_none_is_refused_and_not_shown() {
        let refused = read(vec![("a".to_owned(), "hunter2\n".to_owned())]).unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("hunter2"), "{refused:?}");
    }
}
