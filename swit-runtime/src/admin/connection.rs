//! One connection: one request, bounded in bytes and time, and its answer.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpStream, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    gatekeeper::{Gatekeeper, Refusal},
    page::{Answer, Page},
    seats::Progress,
};
use crate::walled::walled;

/// How long a client may take to say what it wants.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// How long a connection may take from begin to end: longer than the slowest check.
const WHOLE_TIME: Duration = Duration::from_mins(1);
/// Most bytes of a request line with its headers.
const MAX_HEAD: usize = 16 * 1024;
/// Most headers of a request.
const MAX_HEADERS: usize = 64;

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) pages: Arc<[Arc<dyn Page>]>,
    pub(super) gatekeeper: Arc<Gatekeeper>,
    pub(super) closing: CancellationToken,
}

/// Serves a connection to its end.
pub(super) async fn serve(stream: TcpStream, site: Site, progress: Progress) {
    let deadline = Instant::now() + WHOLE_TIME;
    let closing = site.closing.clone();
    let service = service_fn(move |request| {
        let (site, progress) = (site.clone(), progress.clone());
        progress.asks();
        async move {
            let response = respond(&request, &site).await;
            progress.answered();
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        // One request: so that no state is kept between two, and nobody holds a place among the connections.
        .keep_alive(false);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = closing.cancelled() => connection.as_mut().graceful_shutdown(),
        () = tokio::time::sleep_until(deadline) => return,
    }
    // What it answers with is its own affair; an error is a client that went away.
    let _ = tokio::time::timeout_at(deadline, connection).await;
}

/// What a page says, or that it panicked.
async fn answer(page: &dyn Page, trusted: bool) -> Answer {
    walled(|| page.answer(trusted)).await.unwrap_or_else(|| {
        tracing::error!(page = page.path(), "a page of the admin server panicked");
        Answer::refusal(500, "the page panicked; the service's log says more")
    })
}

async fn respond(request: &Request<Incoming>, site: &Site) -> Response<Full<Bytes>> {
    let answer = match site.gatekeeper.admit(request.uri(), request.headers()) {
        Err(Refusal { status, why }) => Answer::refusal(status, why),
        Ok(_) if !matches!(*request.method(), Method::GET | Method::HEAD) => {
            Answer::refusal(405, "pages are read: GET or HEAD")
        }
        Ok(trusted) => {
            let page = site.pages.iter().find(|page| page.path() == request.uri().path());
            match page {
                Some(page) if trusted || page.is_open() => answer(&**page, trusted).await,
                _ if !trusted => Answer::refusal(401, "show the token: `Authorization: Bearer …`"),
                _ => {
                    let paths: Vec<_> = site.pages.iter().map(|page| page.path()).collect();
                    Answer::json(404, &serde_json::json!({ "error": "there is no such page", "pages": paths }))
                }
            }
        }
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    response
}
