//! The proxy does what it says, before an echo and before a real broker.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use swit_testbed::{
    Broker, Proxy,
    proxy::Direction::{ToBroker, ToClient},
};

/// A server that sends back what it gets.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
        }
    });
    addr
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.addr()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn ask(mut stream: &TcpStream, text: &[u8]) -> Vec<u8> {
    stream.write_all(text).unwrap();
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer).unwrap();
    answer
}

/// What comes until the other end closes, or resets.
fn rest(mut stream: &TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).err();
    (bytes, error.map(|error| error.kind()))
}

fn silent(mut stream: &TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let read = stream.read(&mut [0; 64]);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn bytes_pass_and_are_counted() {
    let proxy = Proxy::start(echo());
    let (one, two) = (connect(&proxy), connect(&proxy));
    assert_eq!(ask(&one, b"hello"), b"hello");
    assert_eq!(ask(&two, b"you"), b"you");
    assert_eq!((proxy.passed(ToBroker), proxy.passed(ToClient)), (8, 8));
    assert_eq!((proxy.connections(), proxy.open()), (2, 2));
    let big: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut writer = one.try_clone().unwrap();
    let sent = big.clone();
    thread::spawn(move || writer.write_all(&sent).and_then(|()| writer.shutdown(std::net::Shutdown::Write)).unwrap());
    assert!(rest(&one) == (big, None), "a half-closed connection gives all back");
    drop((one, two));
    eventually("both are closed", || proxy.open() == 0);
}

#[test]
fn a_cut_comes_after_exactly_so_many_bytes() {
    let proxy = Proxy::start(echo());
    for bytes in [0, 1, 7, 8] {
        let before = proxy.passed(ToBroker);
        let stream = connect(&proxy);
        proxy.cut_after(ToBroker, bytes);
        (&stream).write_all(b"12345678").unwrap();
        let _ = rest(&stream);
        assert_eq!(proxy.passed(ToBroker) - before, bytes);
        eventually("it is closed at both ends", || proxy.open() == 0);
    }
    let stream = connect(&proxy);
    proxy.cut_after(ToClient, 5);
    (&stream).write_all(b"12345678").unwrap();
    assert_eq!(rest(&stream).0, b"12345", "what passed arrives");
    assert_eq!(ask(&connect(&proxy), b"again"), b"again", "it happens once");
}

#[test]
fn a_cut_resets_all_at_once() {
    let proxy = Proxy::start(echo());
    let streams: Vec<TcpStream> = (0..3).map(|_| connect(&proxy)).collect();
    for stream in &streams {
        ask(stream, b"up");
    }
    proxy.cut();
    for stream in &streams {
        assert_eq!(rest(stream), (Vec::new(), Some(ErrorKind::ConnectionReset)));
    }
    assert_eq!(ask(&connect(&proxy), b"again"), b"again");
}

#[test]
fn a_delay_keeps_the_order_and_ends_when_it_is_healed() {
    let proxy = Proxy::start(echo());
    let stream = connect(&proxy);
    proxy.delay(ToBroker, Duration::from_millis(100), Duration::from_millis(100), 7);
    let began = Instant::now();
    for piece in 0..10_u8 {
        (&stream).write_all(&[piece]).unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    let mut answer = [0; 10];
    (&stream).read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let took = began.elapsed();
    assert!(took > Duration::from_millis(120) && took < Duration::from_secs(1), "not one after the other: {took:?}");
    // Healed while something waits: it goes on its way at once.
    proxy.delay(ToBroker, Duration::from_mins(1), Duration::ZERO, 7);
    (&stream).write_all(b"x").unwrap();
    assert!(silent(&stream));
    proxy.heal();
    (&stream).read_exact(&mut [0]).unwrap();
}

#[test]
fn a_throttle_lets_so_many_bytes_a_second_pass() {
    let proxy = Proxy::start(echo());
    let stream = connect(&proxy);
    proxy.throttle(ToClient, 1_000);
    let began = Instant::now();
    assert_eq!(ask(&stream, &[1; 1_000]), [1; 1_000]);
    let took = began.elapsed();
    assert!(took > Duration::from_millis(900) && took < Duration::from_secs(5), "{took:?}");
    (&stream).write_all(&vec![2; 100_000]).unwrap();
    proxy.heal();
    (&stream).read_exact(&mut vec![0; 100_000]).unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "healing lifts it at once");
}

#[test]
fn a_dead_link_stays_dead_and_new_ones_live() {
    let proxy = Proxy::start(echo());
    let (dead, idle) = (connect(&proxy), connect(&proxy));
    ask(&dead, b"up");
    ask(&idle, b"up");
    proxy.swallow(ToClient);
    (&dead).write_all(b"lost").unwrap();
    assert!(silent(&dead));
    eventually("it is counted", || proxy.swallowed(ToClient) == 4);
    assert_eq!(proxy.passed(ToBroker), 8, "the other way still passes");
    proxy.heal();
    (&dead).write_all(b"gone").unwrap();
    assert!(silent(&dead), "what follows lost bytes makes no sense");
    assert_eq!(ask(&idle, b"well"), b"well");
    assert_eq!(ask(&connect(&proxy), b"new"), b"new");
    proxy.half_open();
    let fresh = connect(&proxy);
    (&fresh).write_all(b"hello").unwrap();
    fresh.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(silent(&fresh), "no end is passed on");
    proxy.cut();
    assert_eq!(rest(&fresh).1, Some(ErrorKind::ConnectionReset));
}

#[test]
fn a_request_ends_its_connection_before_or_behind_it() {
    let proxy = Proxy::start(echo());
    let other = connect(&proxy);
    for passes in [false, true] {
        let stream = connect(&proxy);
        ask(&stream, b"up");
        let before = proxy.passed(ToBroker);
        if passes {
            proxy.cut_behind(b"COMMIT");
        } else {
            proxy.cut_before(b"COMMIT");
        }
        assert_eq!(ask(&stream, b"INSERT"), b"INSERT");
        assert!(proxy.is_waiting_to_cut());
        (&stream).write_all(b"x COMMIT x").unwrap();
        assert_eq!(rest(&stream).0, b"", "the answer is lost");
        assert!(!proxy.is_waiting_to_cut());
        assert_eq!(proxy.passed(ToBroker) - before, if passes { 16 } else { 6 });
        assert_eq!(ask(&other, b"COMMIT"), b"COMMIT", "it happens once, to one");
    }
}

#[test]
fn connections_are_refused_until_it_is_healed() {
    let proxy = Proxy::start(echo());
    let old = connect(&proxy);
    ask(&old, b"up");
    for _ in 0..3 {
        proxy.refuse();
        assert_eq!(TcpStream::connect(proxy.addr()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(ask(&old, b"still"), b"still");
        proxy.heal();
        assert_eq!(ask(&connect(&proxy), b"again"), b"again");
    }
    let addr = proxy.addr();
    drop(proxy);
    assert!(matches!(rest(&old), (_, None | Some(ErrorKind::ConnectionReset))));
    assert!(TcpStream::connect(addr).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_a_broker_notices() {
    let broker = Broker::start();
    let proxy = Proxy::start(("127.0.0.1", broker.port()));
    let url = proxy.url();
    let connect = || lapin::Connection::connect(&url, lapin::ConnectionProperties::default());
    let connection = connect().await.unwrap();
    assert_eq!(broker.close_all_connections("go"), 1);
    eventually("the client hears it", || !connection.status().connected());
    let connection = connect().await.unwrap();
    proxy.cut();
    eventually("the client hears it", || !connection.status().connected());
    proxy.refuse();
    assert!(connect().await.is_err());
    proxy.heal();
    assert!(connect().await.is_ok());
}
