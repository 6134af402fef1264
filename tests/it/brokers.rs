//! What a RabbitMQ transport asks of a service, checked before anything is connected.

use std::{sync::Arc, time::Duration};

use swit::{
    App, StartupReport, subscriber,
    transport::Transport,
    transports::rabbitmq::{Address, QueueKind, RabbitMqOptions, RabbitMqTransport},
};

use crate::support::Task;

#[subscriber(topic = "task.created", timeout = "20m")]
async fn takes_long(_task: Task) {}

#[subscriber(topic = "task.created", ordered, timeout = "2m", retries = 9, backoff = fixed("10s"))]
async fn in_order(_task: Task) {}

#[subscriber(topic = "task.created", ordered, timeout = "30s")]
async fn in_order_as_it_comes(_task: Task) {}

#[subscriber(topic = "task.created", timeout = "1h", ack = "none", retries = 0)]
async fn settles_nothing(_task: Task) {}

#[subscriber(topic = "task.created", group = per_instance)]
async fn everywhere(_task: Task) {}

#[subscriber(
    queue = "an-existing-queue-with-a-long-name-an-existing-queue-with-a-long-name-an-existing-queue-with-a-long-name-an-existing-queue-with-a-long-name-an-existing-queue-with-a-long-name-an-existing-queue-with-a-long-name-an-existing-queue-with-a-long-name-an-ex"
)]
async fn of_a_long_queue(_task: Task) {}

#[subscriber(topic = "task.created", transport = "reports")]
async fn reported(_task: Task) {}

fn on_rabbitmq(app: App) -> App {
    app.service("orders", "1.0.0").set("transport.default.url", "amqp://app:hunter2@localhost")
}

fn report(app: &App) -> StartupReport {
    app.check().expect_err("the graph is wrong")
}

fn fault(app: &App) -> String {
    let report = report(app);
    assert_eq!(report.faults.len(), 1, "{report}");
    let fault = &report.faults[0];
    format!("{}: {}; {}", fault.location, fault.message, fault.help)
}

#[test]
fn a_service_on_rabbitmq_is_checked_without_a_broker() {
    let app = on_rabbitmq(App::only::<(in_order_as_it_comes, settles_nothing, everywhere)>());
    let graph = app.check().unwrap();
    assert_eq!(graph.warnings(), [""; 0]);
    assert!(!format!("{graph:?}").contains("hunter2"));
}

#[subscriber(topic = "task.created", batch(max = 10, within = "20s"))]
async fn collects(_tasks: swit::Batch<Task>) {}

#[test]
fn what_is_collected_first_is_handled_before_it_is_taken_back() {
    let limited = |limit| on_rabbitmq(App::only::<(collects,)>()).set("transport.default.ack_limit", limit);
    assert!(limited("100s").check().is_ok());
    let found = fault(&limited("99s"));
    let expected = "builder: subscriber `collects`: the `within` of its `batch` (20s) and its `timeout` (30s) are together \
                    above half of the `ack_limit` (1m39s) of the transport `default`: what was collected first would be taken \
                    from it before; lower them to at most 49s500ms together";
    assert!(found.starts_with(expected), "{found}");
}

#[test]
fn no_attempt_may_outlast_half_of_the_ack_limit() {
    let found = fault(&on_rabbitmq(App::only::<(takes_long,)>()));
    assert!(found.starts_with("tests/it/brokers.rs:"), "{found}");
    for expected in [
        "subscriber `takes-long`: its `timeout` (20m) is above half of the `ack_limit` (30m) of the transport `default`",
        "lower `timeout` to at most 15m, or raise `consumer_timeout` on the broker, and `transport.default.ack_limit`",
    ] {
        assert!(found.contains(expected), "{found}");
    }
    // Whichever layer made it so is named.
    let app = on_rabbitmq(App::only::<(everywhere,)>());
    let limited = fault(&app.config_text("swit.toml", "[transport.default]\nack_limit = \"50s\""));
    assert!(limited.starts_with("swit.toml:2: subscriber `everywhere`: its `timeout` (30s)"), "{limited}");
    let app = on_rabbitmq(App::only::<(everywhere,)>()).set("subscriber.everywhere.timeout", "16m");
    assert!(fault(&app).starts_with("builder: subscriber `everywhere`: its `timeout` (16m)"), "{}", fault(&app));
    // And whichever makes it right is heard.
    assert!(on_rabbitmq(App::only::<(takes_long,)>()).set("transport.default.ack_limit", "40m").check().is_ok());
    assert!(on_rabbitmq(App::only::<(takes_long,)>()).set("subscriber.takes-long.timeout", "15m").check().is_ok());
    assert!(on_rabbitmq(App::only::<(takes_long,)>()).set("subscriber.takes-long.enabled", false).check().is_ok());
    assert!(App::only::<(takes_long,)>().check().is_ok(), "in memory nobody takes it back");
}

#[test]
fn retries_in_place_have_to_fit_too() {
    let found = fault(&on_rabbitmq(App::only::<(in_order,)>()));
    assert!(found.starts_with("tests/it/brokers.rs:"), "{found}");
    let expected = "subscriber `in-order` is ordered, so that its retries happen in place: 10 attempts of 2m and 1m30s of \
                    delays between them are 21m30s, above half of the `ack_limit` (30m) of the transport `default`";
    assert!(found.contains(expected), "{found}");
    assert!(found.contains("to at most 15m together"), "{found}");
    let app = on_rabbitmq(App::only::<(in_order,)>()).set("subscriber.in-order.retries", 5);
    assert!(app.check().is_ok(), "12m 50s fit");
    // A breaker may be open between any two of them.
    let app = app.set("subscriber.in-order.circuit_breaker.reset", "1m");
    let found = fault(&app);
    assert!(found.starts_with("builder: subscriber `in-order`"), "{found}");
    for part in
        ["5m50s of delays between them, an open circuit breaker included,", "`backoff` or the breaker's `reset`"]
    {
        assert!(found.contains(part), "{found}");
    }
    assert!(app.set("subscriber.in-order.circuit_breaker", false).check().is_ok());
    let app = on_rabbitmq(App::only::<(in_order_as_it_comes,)>()).set("transport.default.ack_limit", "7m");
    assert!(fault(&app).contains("6 attempts of 30s and 31s of delays between them are 3m31s"), "{}", fault(&app));
}

#[test]
fn a_transport_that_is_given_in_code_has_its_limit_too() {
    let given = |limit| {
        let mut options = RabbitMqOptions::new(Address::parse("amqp://localhost", false).unwrap());
        options.ack_limit = Duration::from_mins(limit);
        let transport: Arc<dyn Transport> = Arc::new(RabbitMqTransport::new("default", options));
        App::only::<(takes_long,)>().service("orders", "1").transport(transport)
    };
    let found = fault(&given(30));
    assert!(found.contains("`timeout` (20m) is above half of the `ack_limit` (30m)"), "{found}");
    assert!(given(40).check().is_ok());
}

#[test]
fn names_have_to_fit_into_what_the_protocol_holds() {
    let app = on_rabbitmq(App::only::<(everywhere,)>()).set("service.instance", "x".repeat(250));
    let found = fault(&app);
    assert!(found.starts_with("tests/it/brokers.rs:"), "{found}");
    assert!(found.contains("the queue of the subscriber `everywhere` is named in 268 bytes, and RabbitMQ"), "{found}");
    let found = fault(&on_rabbitmq(App::only::<(of_a_long_queue,)>()));
    assert!(found.contains("the queue of its longest retry of the subscriber `of-a-long-queue`"), "{found}");
    assert!(found.contains(".retry.12h\""), "{found}");
    let app = on_rabbitmq(App::only::<(everywhere,)>()).set("service.instance", "x".repeat(227));
    assert!(app.check().is_ok(), "255 bytes with `.retry.12h`");
    assert!(App::only::<(of_a_long_queue,)>().check().is_ok());
}

#[test]
fn a_service_on_a_broker_needs_a_name() {
    let app = App::only::<(everywhere,)>().set("transport.default.url", "amqp://localhost");
    let found = fault(&app);
    assert!(found.starts_with("builder: the service has no name, and its queues on the broker"), "{found}");
    assert!(found.contains("set `service.name`, or write `swit::handlers!();`"), "{found}");
    assert!(app.set("service.name", "orders").check().is_ok());
    let given = rabbitmq("default", QueueKind::Quorum);
    assert!(fault(&App::only::<(everywhere,)>().transport(given)).contains("the service has no name"));
    assert!(App::only::<(everywhere,)>().check().is_ok(), "in memory nobody shares its queues");
}

fn rabbitmq(name: &'static str, queues: QueueKind) -> Arc<dyn Transport> {
    let mut options = RabbitMqOptions::new(Address::parse("amqp://localhost", false).unwrap());
    options.queues = queues;
    Arc::new(RabbitMqTransport::new(name, options))
}

#[test]
fn classic_queues_are_warned_of() {
    let app = on_rabbitmq(App::only::<(everywhere,)>()).set("transport.default.queues", "classic");
    let graph = app.check().unwrap();
    assert_eq!(graph.warnings().len(), 1);
    let warning = &graph.warnings()[0];
    assert!(warning.starts_with("transport `default`: its queues are classic"), "{warning}");
    assert!(warning.contains("a message that kills its process is delivered again and again"), "{warning}");
    let app = App::only::<(everywhere,)>().service("orders", "1").transport(rabbitmq("default", QueueKind::Classic));
    assert_eq!(app.check().unwrap().warnings().len(), 1, "given in code, too");
}

#[test]
fn every_transport_is_held_to_its_own_rules() {
    let found = fault(&on_rabbitmq(App::only::<(reported,)>()));
    assert!(found.contains("there is no transport `reports`; configure `[transport.reports]`"), "{found}");
    let reports = |app: App| {
        on_rabbitmq(app).set("transport.reports.url", "amqps://reports").set("transport.reports.ack_limit", "10s")
    };
    assert!(fault(&reports(App::only::<(reported,)>())).contains("of the transport `reports`"));
    assert!(reports(App::only::<(everywhere,)>()).check().is_ok(), "it is on the other one");
}

#[test]
fn certificates_are_looked_at() {
    let app = on_rabbitmq(App::only::<(everywhere,)>())
        .set("transport.default.url", "amqps://app:hunter2@mq.example")
        .set("transport.default.ca_file", "/nowhere/ca.pem");
    let found = fault(&app);
    assert!(
        found.starts_with("builder: `transport.default.ca_file`: the file `/nowhere/ca.pem` can't be read"),
        "{found}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_test_replaces_brokers_and_needs_no_certificates() {
    let app = on_rabbitmq(App::only::<(everywhere,)>())
        .set("transport.default.url", "amqps://app:hunter2@mq.example")
        .set("transport.default.ca_file", "/nowhere/ca.pem");
    let app = swit::testing::TestApp::start(app).await.unwrap();
    app.publish(&crate::support::task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.attempts("everywhere"), 1);
    app.shutdown().await.unwrap();
}
