//! A password in the address: it appears in no log, whoever logs it, and in no error.

use std::fmt::Write as _;

use std::{error::Error, sync::Arc, time::Duration};

use swit::{
    App, Message, PublishError, Text,
    transport::{Publication, Queue, SubscribeOptions, Target, Transport},
    transports::rabbitmq::{Address, RabbitMqOptions, RabbitMqTransport},
};
use swit_faults::{Conduct, rig::HEALING};
use swit_testbed::{Broker, Fake, Proxy, fake::Answer, proxy::Direction};
use tokio::time::timeout;

use crate::{
    ground::{Foreign, text},
    rig,
};

const CANARY: &str = "canary-4f9a-Zq";

/// The password in every shape in which it might be shown.
fn shapes() -> Vec<String> {
    let base64 = {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        // Of its middle, at each of three offsets: so it is found in a longer text as well.
        (0..3).map(move |offset| {
            let bytes: Vec<u8> = CANARY.bytes().skip(offset).collect();
            bytes
                .chunks_exact(3)
                .flat_map(|three| {
                    let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
                    [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift & 63) as usize]))
                })
                .collect::<String>()
        })
    };
    let bytes = |separator: &str| CANARY.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(separator);
    let hex = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    base64.chain([CANARY.to_owned(), bytes(", "), bytes(","), hex.to_uppercase(), hex]).collect()
}

#[track_caller]
fn assert_clean(what: &str, text: &str) {
    for shape in shapes() {
        if let Some(at) = text.find(&shape) {
            let around: String = text[..at].chars().rev().take(300).collect::<Vec<_>>().into_iter().rev().collect();
            panic!("{what} shows the password, as `{shape}`, after: {around}");
        }
    }
}

fn url(address: &str) -> String {
    format!("amqp://canary:{CANARY}@{address}")
}

/// A user whose password is the canary.
fn admit(broker: &Broker) {
    broker.ctl(&["add_user", "canary", CANARY]);
    broker.ctl(&["set_permissions", "canary", ".*", ".*", ".*"]);
}

/// Fault 41, of logs: services that log everything of every target, and meet every error.
#[test]
fn no_log_shows_the_password() {
    let broker = Broker::options().tls().start();
    admit(&broker);
    let address = format!("127.0.0.1:{}", broker.port());
    let everything = [("RUST_LOG", "trace,lapin=trace,amq_protocol=trace")];
    // As it should be: work, failures, dead letters, a connection that is lost and made again.
    let rig = rig(url(&address));
    let mut handler = rig.handler(&everything);
    rig.producer(0, 20, &[Conduct::Succeed, Conduct::Fail, Conduct::Panic], &everything).wait(HEALING);
    broker.close_all_connections("a test asked for it");
    rig.producer(100, 20, &[Conduct::Succeed], &everything).wait(HEALING);
    rig.wait_until("it works", HEALING, |record| (100..120).all(|n| record.effects.contains_key(&format!("work-{n}"))));
    handler.signal("TERM");
    handler.wait(HEALING);
    assert!(handler.log().contains("lapin"), "it logs what the client library says");
    assert_clean("a service that works", &rig.all_logs());
    // Those that can't start.
    let other = Broker::shared();
    let secret = format!("canary:{CANARY}");
    let unreachable = url("127.0.0.1:1");
    for (what, url) in [
        ("a wrong password", url(&format!("127.0.0.1:{}", other.port()))),
        ("a virtual host that there is not", format!("{}/nowhere", url(&address))),
        ("a broker that can't be reached", unreachable),
        ("a certificate of nobody known", format!("amqps://{secret}@localhost:{}", broker.tls_port())),
        ("TLS where there is none", format!("amqps://{secret}@localhost:{}", broker.port())),
        ("no TLS where there is", format!("amqp://{secret}@localhost:{}", broker.tls_port())),
    ] {
        let rig = crate::rig(url);
        let mut handler = rig.restarted(&[everything[0], ("FAULTY_CONNECT_TIMEOUT", "1")]);
        assert!(!handler.wait(Duration::from_mins(1)).success(), "{what}");
        assert!(!handler.log().is_empty(), "{what}");
        assert_clean(what, &handler.log());
    }
    // Of another topology: one clear error.
    broker.delete_queue("faults.handle");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let foreign = Foreign::connect(&broker.url()).await;
        foreign.queue("faults.handle", &[("x-queue-type", text("classic"))]).await;
    });
    let mut handler = rig.restarted(&everything);
    assert!(!handler.wait(HEALING).success());
    assert!(handler.log().contains("other properties"), "{}", handler.log());
    assert_clean("a topology that differs", &handler.log());
}

/// All that an error says, by itself and by its causes.
fn said(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let _ = writeln!(text, "{error} {error:?} {error:#?}");
        next = error.source();
    }
    text
}

fn secret_options(address: &str) -> RabbitMqOptions {
    let mut options = RabbitMqOptions::new(Address::parse(&url(address), false).unwrap());
    options.connect_timeout = Duration::from_millis(500);
    options.confirm_timeout = Duration::from_millis(500);
    options
}

/// Fault 41, of errors and of what is printed for debugging.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_error_shows_the_password() {
    // What is wrong with an address is said without it.
    for wrong in ["kafka://u:{}@h", "amqp://u:{}@broker.example", "amqp://u:{}@[zz]", "amqp://u:{}@h:99999999", "{}"] {
        let url = wrong.replace("{}", CANARY);
        match Address::parse(&url, false) {
            Ok(address) => assert_clean(wrong, &format!("{address} {address:?}")),
            Err(error) => assert_clean(wrong, &said(&error)),
        }
        let mut app = App::only::<()>();
        app = app.config_text("a file", &format!("[transport.default]\nurl = \"{url}\"\n"));
        let report = app.check().map(|_| ());
        assert_clean(wrong, &report.map_or_else(|error| said(&error), |()| String::new()));
    }
    let options = secret_options("127.0.0.1:1");
    assert_clean("options", &format!("{options:?} {options:#?} {} {:?}", options.address, options.address));
    let transport = RabbitMqTransport::new("default", options);
    assert_clean("a transport", &format!("{transport:?} {transport:#?}"));
    let error = transport.connect().await.unwrap_err();
    assert!(error.to_string().contains("***"), "it says where it connects to: {error}");
    assert_clean("unreachable", &said(&error));
    let started = App::only::<()>().transport(Arc::new(transport)).start().await;
    assert_clean("an app that does not start", &said(&started.err().unwrap()));
    // A broker that does not know the user.
    let broker = Broker::shared();
    let transport = RabbitMqTransport::new("default", secret_options(&format!("127.0.0.1:{}", broker.port())));
    assert_clean("a wrong password", &said(&transport.connect().await.unwrap_err()));
    // Publishing that is refused, returned, forgotten, and lost.
    let fake = Fake::start(|publish| match publish.tag {
        1 => vec![Answer::nack(1)],
        2 => vec![Answer::unroutable(2), Answer::ack(2)],
        3 => Vec::new(),
        _ => vec![Answer::HangUp],
    });
    let transport = RabbitMqTransport::new("default", secret_options(&fake.addr().to_string()));
    transport.connect().await.unwrap();
    let publisher = transport.publisher();
    for what in ["refused", "unrouted", "forgotten", "lost"] {
        let publication = Publication::new(Message::new("a.topic", "{}")).to(Target::Queue(Text::from("q")));
        let error = timeout(HEALING, publisher.publish(publication)).await.unwrap().unwrap_err();
        let expected = match what {
            "refused" => matches!(error, PublishError::Refused { .. }),
            "unrouted" => matches!(error, PublishError::Unrouted { .. }),
            "forgotten" => matches!(error, PublishError::Timeout { .. }),
            _ => matches!(error, PublishError::Lost { .. }),
        };
        assert!(expected, "{what}: {error:?}");
        assert_clean(what, &said(&error));
    }
    assert_clean("a transport that is connected", &format!("{transport:?} {publisher:?}"));
    transport.close().await;
    // A queue that is not there, and one that differs.
    let broker = Broker::start();
    admit(&broker);
    let proxy = Proxy::start(("127.0.0.1", broker.port()));
    let transport = RabbitMqTransport::new("default", secret_options(&proxy.addr().to_string()));
    transport.connect().await.unwrap();
    let foreign = Foreign::connect(&broker.url()).await;
    foreign.queue("of-another-kind", &[("x-queue-type", text("classic"))]).await;
    let error = transport.declare(&[Queue::subscriber("of-another-kind", ["a.topic"])]).await.unwrap_err();
    assert!(error.to_string().contains("other properties"), "{error}");
    assert_clean("a mismatch", &said(&error));
    let error = transport.subscribe(SubscribeOptions::new("nowhere", "x", 1)).await.unwrap_err();
    assert_clean("no queue", &said(&error));
    proxy.swallow(Direction::ToClient);
    let publication = Publication::new(Message::new("a.topic", "{}"));
    let error = timeout(HEALING, transport.publisher().publish(publication)).await.unwrap().unwrap_err();
    assert_clean("silence", &said(&error));
}
