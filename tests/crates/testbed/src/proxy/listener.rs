//! The proxy's thread: accepts connections and owns their tasks.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener as Bound},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{net::TcpListener, runtime, sync::watch, task::JoinSet, time};

use super::{
    connection,
    faults::{Faults, Shared},
};
use crate::ports;

pub(crate) fn start(upstream: SocketAddr, shared: Arc<Shared>) -> (SocketAddr, thread::JoinHandle<()>) {
    // Out of the range that the system gives away, so that it can be bound again after a time of refusal.
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()));
    let bound = Bound::bind(addr).and_then(|bound| bound.set_nonblocking(true).map(|()| bound));
    let bound = bound.expect("the proxy's port is free");
    let faults = shared.watch();
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let thread = thread::Builder::new().name("proxy".to_owned());
    let run = move || runtime.block_on(serve(bound, addr, upstream, shared, faults));
    (addr, thread.spawn(run).expect("a thread can be started"))
}

/// Accepts until the proxy is over; then every connection's task is dropped, which closes its sockets.
async fn serve(
    bound: Bound,
    addr: SocketAddr,
    upstream: SocketAddr,
    shared: Arc<Shared>,
    mut faults: watch::Receiver<Faults>,
) {
    let mut connections = JoinSet::new();
    let mut listener = Some(TcpListener::from_std(bound).expect("a bound socket"));
    loop {
        let now = *faults.borrow_and_update();
        if now.over {
            return;
        }
        if now.listen && listener.is_none() {
            listener = Some(bind(addr).await);
        } else if !now.listen {
            listener = None;
        }
        shared.set_listening(listener.is_some());
        tokio::select! {
            _ = faults.changed() => {}
            accepted = accept(listener.as_ref()) => {
                let Ok((client, _)) = accepted else { continue };
                connections.spawn(connection::run(client, upstream, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> std::io::Result<(tokio::net::TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// Binds again. Another process may be trying the port at this very moment.
async fn bind(addr: SocketAddr) -> TcpListener {
    for _ in 0..100 {
        if let Ok(listener) = TcpListener::bind(addr).await {
            return listener;
        }
        time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the proxy's port {addr} was taken while it refused connections");
}
