//! What is not compiled in says so, and names the feature.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::unused_async,
    reason = "tests; handlers are async whether or not they wait"
)]

use bytes::Bytes;
use swit::{App, Compression, Message, codec::Codec, compression, subscriber, testing::TestApp};

#[subscriber(topic = "order.#")]
async fn takes_bytes(_body: Bytes) {}

#[test]
fn nothing_is_compiled_in() {
    assert!([Codec::Json, Codec::MsgPack, Codec::Protobuf].iter().all(|codec| !codec.is_compiled_in()));
    for compression in Compression::ALL {
        let encoded = compression::encode(Message::new("order.created", "x".repeat(1_000)), compression);
        match compression {
            Compression::None => assert_eq!(encoded.unwrap().content_encoding, None),
            _ => {
                let error = encoded.unwrap_err().to_string();
                assert!(error.contains(&format!("enable the feature `{compression}` of `swit`")), "{error}");
            }
        }
    }
}

#[test]
fn pages_that_are_not_compiled_in_are_a_fault_where_somebody_wants_them() {
    let app = || App::only::<()>().without_environment();
    for wanted in [
        app().set("admin.address", "127.0.0.1:2112"),
        app().set("admin.token", "0123456789abcdef"),
        app().set("admin.enabled", true),
    ] {
        let report = wanted.check().unwrap_err().to_string();
        assert!(report.contains("enable the feature `admin` of the crate `swit`"), "{report}");
    }
    assert!(app().set("admin.enabled", false).check().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_names_the_feature() {
    let app = TestApp::start(App::only::<(takes_bytes,)>()).await.unwrap();
    let all = [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
    for compression in all {
        let message = Message::new("", "whatever").with_content_encoding(compression.content_encoding().unwrap());
        app.publish_to("order.created", message).await.unwrap();
    }
    app.publish_to("order.created", Message::new("", "plain")).await.unwrap();
    app.wait_quiet().await;
    let dead = app.dead_letters("takes-bytes");
    assert_eq!(dead.len(), all.len());
    for (letter, compression) in dead.iter().zip(all) {
        assert_eq!(letter.reason, "invalid_input");
        assert!(letter.error.contains(&format!("enable the feature `{compression}` of `swit`")), "{}", letter.error);
        assert_eq!(letter.message.content_encoding.as_deref(), compression.content_encoding());
        assert_eq!(&letter.message.payload[..], b"whatever");
    }
    assert_eq!(app.stats_of("takes-bytes").unwrap().counts.succeeded, 1);
    app.shutdown().await.unwrap();
}

#[test]
fn what_is_configured_of_metrics_names_the_feature() {
    let app = |text: &str| App::only::<(takes_bytes,)>().config_text("swit.toml", text).check();
    for text in ["[telemetry]\nmetrics = true", "[telemetry]\nprefix = 'shop_'"] {
        let report = app(text).unwrap_err().to_string();
        assert!(report.contains("build with the feature `prometheus`") && report.contains("swit.toml"), "{report}");
    }
    assert!(app("[telemetry]\nmetrics = false").is_ok(), "which is how it is");
}

#[test]
fn exporters_that_are_not_compiled_in_are_faults_that_name_the_feature() {
    let report = |exporter: &str| {
        let app = App::only::<()>().without_environment().set("telemetry.exporter", exporter);
        app.check().unwrap_err().to_string()
    };
    for exporter in ["otlp", "log"] {
        let report = report(exporter);
        assert!(report.contains("build with the feature `traces`, or `otlp` for a collector"), "{report}");
    }
}
