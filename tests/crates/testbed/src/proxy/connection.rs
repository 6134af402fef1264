//! One connection through the proxy, both its ends and ways.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
};

use tokio::{net::TcpStream, sync::watch};

use super::{
    faults::{Cut, Direction, Faults, Shared},
    pump::Pump,
};

/// Counts a connection as open while it lives, however its task ends.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.closed();
    }
}

pub(crate) async fn run(mut client: TcpStream, upstream: SocketAddr, shared: Arc<Shared>) {
    let number = shared.opened();
    let _open = Open(Arc::clone(&shared));
    let mut faults = shared.watch();
    let born = faults.borrow_and_update().cut;
    let Ok(mut broker) = TcpStream::connect(upstream).await else { return };
    let _ = (client.set_nodelay(true), broker.set_nodelay(true));
    let cut = {
        let (from_client, to_client) = client.split();
        let (from_broker, to_broker) = broker.split();
        let is_deaf = AtomicBool::new(false);
        let there = Pump::new(from_client, to_broker, Direction::ToBroker, number, &shared, &is_deaf);
        let back = Pump::new(from_broker, to_client, Direction::ToClient, number, &shared, &is_deaf);
        tokio::select! {
            // A cut that is due comes before what else could pass.
            biased;
            cut = after(&mut faults, born) => cut,
            // An end that takes nothing more ends both ways; one that sends nothing more ends its own.
            _ = async { tokio::try_join!(there.run(), back.run()) } => born,
        }
    };
    if cut.number > born.number && cut.reset {
        let _ = (client.set_zero_linger(), broker.set_zero_linger());
    }
}

/// The first cut after `born`.
async fn after(faults: &mut watch::Receiver<Faults>, born: Cut) -> Cut {
    let cut = faults.wait_for(|faults| faults.cut.number > born.number).await.map(|faults| faults.cut);
    match cut {
        Ok(cut) => cut,
        // Nobody is left to ask for one.
        Err(_) => std::future::pending().await,
    }
}
