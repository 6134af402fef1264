//! `telemetry.exporter = "log"`: spans as lines of the log.

use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use swit::{App, Message, subscriber, testing::TestApp};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::Task;

/// What is logged on this thread, as JSON.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The lines that are spans, by their names.
    fn span(&self, name: &str) -> Value {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut found: Vec<_> =
            lines.filter(|line| line["target"] == "swit::spans" && line["message"] == name).collect();
        assert_eq!(found.len(), 1, "{name} in {text}");
        found.remove(0)
    }
}

#[subscriber(topic = "task.created", retries = 0)]
async fn prints(_task: Task) -> Result<(), std::io::Error> {
    Err(std::io::Error::other("no\nmore"))
}

#[tokio::test(start_paused = true)]
async fn each_span_is_a_line() {
    let log = Log::default();
    let writer = log.clone();
    let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(move || writer.clone());
    let _logged = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let app = App::only::<(prints,)>().service("shop", "1.2.3").set("telemetry.exporter", "log");
    let app = TestApp::start(app).await.unwrap();
    let message = Message::new("task.created", r#"{"key":"k","text":"a"}"#)
        .with_content_type("application/json")
        .with_header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    app.publish_to("task.created", message).await.unwrap();
    app.wait_quiet().await;
    // What is left is printed before the service has stopped.
    app.shutdown().await.unwrap();
    let (sent, process, died) =
        (log.span("send task.created"), log.span("process shop.prints"), log.span("dead_letter shop.prints"));
    for (line, kind, parent) in [
        (&sent, "Producer", "00f067aa0ba902b7"),
        (&process, "Consumer", sent["span_id"].as_str().unwrap()),
        (&died, "Client", process["span_id"].as_str().unwrap()),
    ] {
        assert_eq!(line["level"], "INFO", "{line}");
        assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736", "{line}");
        assert_eq!((line["kind"].as_str(), line["parent"].as_str()), (Some(kind), Some(parent)), "{line}");
    }
    assert_eq!(process["error"], "no\\nmore");
    assert_eq!(sent["error"], Value::Null);
    let attributes = process["attributes"].as_str().unwrap();
    assert!(attributes.contains("swit.attempt=1") && attributes.contains("error.type=transient"), "{attributes}");
}
