//! Takes spans by OTLP, over gRPC and HTTP on one port, and prints a line a span. Prints its port first. With two arguments,
//! the files of a certificate and of its key, it speaks TLS.

use std::{convert::Infallible, fmt::Write as _, io::Write as _, sync::Arc};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, StreamBody, combinators::BoxBody};
use hyper::{
    HeaderMap, Request, Response,
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::{KeyValue, any_value::Value},
    trace::v1::status::StatusCode,
};
use prost::Message as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use swit_collector::Line;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    let tls = tls()?;
    loop {
        let (stream, _) = listener.accept().await?;
        match tls.clone() {
            None => drop(tokio::spawn(serve(stream))),
            // A client that does not trust us goes away.
            Some(tls) => drop(tokio::spawn(async move {
                if let Ok(stream) = tls.accept(stream).await {
                    serve(stream).await;
                }
            })),
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    // A client that goes away is no fault of ours.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service_fn(take)).await;
}

/// What the arguments name, if there are some.
fn tls() -> Result<Option<TlsAcceptor>, Error> {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    let [certificate, key] = files.as_slice() else { return Ok(None) };
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

async fn take(request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, Infallible>>, Error> {
    let by = if request.uri().path() == "/v1/traces" { "http" } else { "grpc" };
    let header = |name: &str| {
        // Several of one name would be seen.
        let values = request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.collect::<Vec<_>>().join(", ")
    };
    let told = [header("x-tenant"), header("authorization")];
    let mut body = request.into_body().collect().await?.to_bytes();
    if by == "grpc" {
        // A byte that says whether it is compressed, and the length.
        body.advance(5);
    }
    print(&ExportTraceServiceRequest::decode(body)?, by, &told)?;
    Ok(answer(by)?)
}

fn answer(by: &str) -> Result<Response<BoxBody<Bytes, Infallible>>, hyper::http::Error> {
    let message = ExportTraceServiceResponse::default().encode_to_vec();
    let mut frames = Vec::new();
    let kind = if by == "grpc" {
        let mut prefixed = BytesMut::new();
        prefixed.put_u8(0);
        prefixed.put_u32(u32::try_from(message.len()).unwrap_or_default());
        prefixed.extend_from_slice(&message);
        let trailers = HeaderMap::from_iter([(
            hyper::header::HeaderName::from_static("grpc-status"),
            hyper::header::HeaderValue::from_static("0"),
        )]);
        frames.extend([Frame::data(prefixed.freeze()), Frame::trailers(trailers)]);
        "application/grpc"
    } else {
        frames.push(Frame::data(Bytes::from(message)));
        "application/x-protobuf"
    };
    let frames = frames.into_iter().map(Ok::<_, Infallible>);
    Response::builder().header("content-type", kind).body(StreamBody::new(Frames(frames)).boxed())
}

/// All there at once.
struct Frames<I>(I);

impl<I: Iterator + Unpin> futures_core::Stream for Frames<I> {
    type Item = I::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<I::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

fn print(request: &ExportTraceServiceRequest, by: &str, [tenant, authorization]: &[String; 2]) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    for of in &request.resource_spans {
        let resource = of.resource.as_ref().map(|resource| resource.attributes.as_slice()).unwrap_or_default();
        for span in of.scope_spans.iter().flat_map(|scope| &scope.spans) {
            let attempt = match value(&span.attributes, "swit.attempt") {
                Some(Value::IntValue(attempt)) => Some(*attempt),
                _ => None,
            };
            let line = Line {
                by: by.to_owned(),
                tenant: tenant.clone(),
                authorization: authorization.clone(),
                service: text(resource, "service.name"),
                version: text(resource, "service.version"),
                instance: text(resource, "service.instance.id"),
                trace: hex(&span.trace_id),
                span: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
                name: span.name.clone(),
                destination: text(&span.attributes, "messaging.destination.name"),
                attempt,
                failed: span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error),
            };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        }
    }
    out.flush()?;
    Ok(())
}

fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes.iter().find(|known| known.key == key)?.value.as_ref()?.value.as_ref()
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    match value(attributes, key) {
        Some(Value::StringValue(text)) => text.clone(),
        _ => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
