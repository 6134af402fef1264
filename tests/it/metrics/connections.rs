//! How connections are, by their states; and the page where nobody wrote an address.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
};

use swit::{
    App, TransportError, subscriber,
    transport::{
        BoxFuture, Capabilities, ConnectionState, Inspect, Publish, Queue, Status, SubscribeOptions, Subscription,
        Transport,
    },
    transports::memory::{MemoryOptions, MemoryTransport},
};
use tokio::sync::watch;

use super::page::{Page, text};
use crate::support::Task;

#[subscriber(name = "metered-connected")]
async fn connected(_event: Task) {}

#[subscriber(name = "metered-near", dead_letter = "metered.shared.dlq")]
async fn near(_event: Task) {}

#[subscriber(name = "metered-far", transport = "second", dead_letter = "metered.shared.dlq")]
async fn far(_event: Task) {}

/// A broker with two connections, which are in the test's hands.
#[derive(Debug)]
struct Broker {
    inner: MemoryTransport,
    connections: [watch::Sender<Status>; 2],
}

impl Transport for Broker {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn system(&self) -> &'static str {
        "broker"
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn connect(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        self.inner.connect()
    }

    fn declare<'a>(&'a self, queues: &'a [Queue]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.inner.declare(queues)
    }

    fn subscribe(&self, options: SubscribeOptions) -> BoxFuture<'_, Result<Arc<dyn Subscription>, TransportError>> {
        self.inner.subscribe(options)
    }

    fn publisher(&self) -> Arc<dyn Publish> {
        self.inner.publisher()
    }

    fn status(&self) -> Vec<watch::Receiver<Status>> {
        self.connections.iter().map(watch::Sender::subscribe).collect()
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        self.inner.inspect()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

impl Broker {
    fn new(name: &'static str) -> Arc<Self> {
        let inner = MemoryTransport::new(name, MemoryOptions::default());
        let connection = || watch::Sender::new(Status::new(ConnectionState::Connected));
        Arc::new(Self { inner, connections: [connection(), connection()] })
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_of_which_a_part_is_not_known_is_not_there() {
    // The second one does not say how much lies in its queues.
    let app = App::only::<(near, far)>().service("test", "1").transport(Broker::new("second"));
    let running = app.transport(Arc::new(MemoryTransport::new("default", MemoryOptions::default()))).start().await;
    let running = running.unwrap();
    let page = Page::read(&text(&running).await);
    assert_eq!(page.value("queue_depth{queue=\"test.metered-near\"}"), 0.0);
    let depths = page.values.keys().filter(|series| series.contains("queue_depth")).count();
    assert_eq!(depths, 1, "{:#?}", page.values);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_blocked_connection_stands_and_one_of_two_is_not_all() {
    use ConnectionState::{Blocked, Closed, Connected, Connecting, Lost};
    let broker = Broker::new("default");
    let app = App::only::<(connected,)>().service("test", "1").transport(broker.clone());
    let running = app.start().await.unwrap();
    for (states, stands, seen) in [
        ([Connected, Connected], 1.0, vec!["connected\"} 2"]),
        ([Connected, Blocked], 1.0, vec!["blocked\"} 1", "connected\"} 1"]),
        ([Lost, Connected], 0.0, vec!["connected\"} 1", "lost\"} 1"]),
        ([Connecting, Blocked], 0.0, vec!["blocked\"} 1", "connecting\"} 1"]),
        ([Closed, Closed], 0.0, vec!["closed\"} 2"]),
    ] {
        for (connection, state) in broker.connections.iter().zip(states) {
            connection.send_replace(Status::new(state));
        }
        let page = Page::read(&text(&running).await);
        assert_eq!(page.value("connection_status{transport=\"default\"}"), stands, "{states:?}");
        let seen: Vec<String> = seen.into_iter().map(|one| format!("{{transport=\"default\",state=\"{one}")).collect();
        assert_eq!(page.of_family("connections"), seen, "{states:?}");
    }
    running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_its_own_serves_its_page_where_nobody_wrote_an_address() {
    let running = App::only::<(connected,)>().service("test", "1").serve_pages().start().await.unwrap();
    let Some(address) = running.admin() else {
        // Somebody else on this host has the port: then it runs without.
        assert!(TcpStream::connect("127.0.0.1:2112").is_ok(), "nobody has it, and it serves nothing");
        return;
    };
    assert_eq!(address.to_string(), "127.0.0.1:2112");
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /metrics HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.contains("\nswit_messaging_service_info{service_name=\"test\""), "{answer}");
    running.shutdown().await.unwrap();
}
