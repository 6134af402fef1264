//! Listening, and owning the connections.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    connection::{self, Site},
    gatekeeper::Gatekeeper,
    page::Page,
    seats::{Progress, Seats},
};

/// How long answers that are under way have, once the server is closed.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long nothing is accepted after that failed, as it does when there are no file descriptors left.
const BREATH: Duration = Duration::from_millis(200);

/// A server that listens. Dropped, it ends with its connections.
pub(crate) struct Server {
    address: SocketAddr,
    closing: CancellationToken,
    /// The one that accepts; it owns those of the connections.
    acceptor: JoinSet<()>,
}

impl Server {
    /// Listens at an address; port 0 takes any.
    ///
    /// # Errors
    /// The address can't be had.
    pub(crate) async fn listen(
        address: SocketAddr,
        pages: Vec<Arc<dyn Page>>,
        gatekeeper: Gatekeeper,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let closing = CancellationToken::new();
        let site = Site { pages: pages.into(), gatekeeper: Arc::new(gatekeeper), closing: closing.clone() };
        let mut acceptor = JoinSet::new();
        acceptor.spawn(accept(listener, site));
        Ok(Self { address, closing, acceptor })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nobody any more, and ends once those that are being answered are, after a second at the latest.
    pub(crate) async fn close(&mut self) {
        self.closing.cancel();
        while self.acceptor.join_next().await.is_some() {}
    }
}

async fn accept(listener: TcpListener, site: Site) {
    let (mut connections, mut seats) = (JoinSet::new(), Seats::default());
    let mut failed = false;
    while let Some(accepted) = next(&listener, &site.closing).await {
        // What has ended is forgotten as others come.
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                failed = false;
                seats.make_room();
                let progress = Progress::default();
                let connection = connections.spawn(connection::serve(stream, site.clone(), progress.clone()));
                seats.take(progress, connection);
            }
            Err(error) => {
                if !std::mem::replace(&mut failed, true) {
                    tracing::warn!(%error, "the admin server can't accept connections; it goes on trying");
                }
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(LAST_WORDS, async { while connections.join_next().await.is_some() {} }).await;
}

/// The next connection; none when the server is closed.
async fn next(listener: &TcpListener, closing: &CancellationToken) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    tokio::select! {
        biased;
        () = closing.cancelled() => None,
        accepted = listener.accept() => Some(accepted),
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::{admin::Answer, transport::BoxFuture};

    struct Panics;

    impl Page for Panics {
        fn path(&self) -> &'static str {
            "/panics"
        }

        fn answer(&self, _trusted: bool) -> BoxFuture<'_, Answer> {
            Box::pin(async { panic!("the page panics, on purpose") })
        }
    }

    #[tokio::test]
    async fn a_page_that_panics_is_an_answer() {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server =
            Server::listen(loopback, vec![Arc::new(Panics)], Gatekeeper::new(None, vec![])).await.expect("it listens");
        let mut stream = TcpStream::connect(server.address()).await.expect("it accepts");
        stream.write_all(b"GET /panics HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("it answers");
        assert!(text.starts_with("HTTP/1.1 500") && text.contains("the page panicked"), "{text}");
        server.close().await;
    }
}
