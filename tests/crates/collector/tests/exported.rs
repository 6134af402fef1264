//! What a service that is a process of its own exports, and to whom: the environment is a process's.
#![expect(clippy::unwrap_used, reason = "tests")]

mod rig;

use std::{path::Path, process::Stdio, time::Duration};

use rig::Collector;
use swit_collector::Line;
use swit_testbed::broker::Certificates;
use tokio::process::{Child, Command};

/// The service, until it is dropped.
fn service(endpoint: &str, protocol: &str, variables: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_swit-traced"))
        .env("SWIT_TELEMETRY__EXPORTER", "otlp")
        .env("SWIT_TELEMETRY__ENDPOINT", endpoint)
        .env("SWIT_TELEMETRY__PROTOCOL", protocol)
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Ends the service, which exports what is left.
async fn end(mut service: Child) {
    drop(service.stdin.take());
    let ended = tokio::time::timeout(Duration::from_secs(20), service.wait()).await;
    assert!(ended.unwrap().unwrap().success());
}

async fn exported(protocol: &str, variables: &[(&str, &str)]) -> Vec<Line> {
    let collector = Collector::start(&[]).await;
    let service = service(&format!("http://127.0.0.1:{}", collector.port), protocol, variables);
    let lines = collector.lines(2).await;
    assert_eq!(lines.len(), 2, "{lines:#?}");
    // Twenty times as long as it takes to export once.
    tokio::time::sleep(Duration::from_secs(1)).await;
    end(service).await;
    collector.lines(0).await
}

/// Whatever the exporter's own crates open as spans, they are not exported: they would make more of them.
#[tokio::test]
async fn exporting_makes_no_spans() {
    for protocol in ["grpc", "http"] {
        let lines = exported(protocol, &[]).await;
        let names: Vec<_> = lines.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["send order.created", "process traced.pays"], "{protocol}");
    }
}

/// A token for another collector does not go to the one that is configured.
#[tokio::test]
async fn headers_that_are_configured_are_the_only_ones() {
    let environment = ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=other,authorization=hunter2");
    for protocol in ["grpc", "http"] {
        for (configured, tenant, authorization) in
            [(Some("x-tenant=shop"), "shop", ""), (Some(""), "", ""), (None, "other", "hunter2")]
        {
            let configured = configured.map(|headers| ("SWIT_TELEMETRY__HEADERS", headers));
            let variables: Vec<_> = configured.into_iter().chain([environment]).collect();
            let collector = Collector::start(&[]).await;
            let service = service(&format!("http://127.0.0.1:{}", collector.port), protocol, &variables);
            let lines = collector.lines(2).await;
            end(service).await;
            assert_eq!(lines.len(), 2, "{protocol} {variables:?}");
            for line in lines {
                let told = (line.tenant.as_str(), line.authorization.as_str());
                assert_eq!(told, (tenant, authorization), "{protocol} {variables:?}");
            }
        }
    }
}

/// The roots of the system are trusted, which may be named as usual; and nobody else.
#[tokio::test]
async fn a_collector_is_spoken_to_by_tls() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let certificates = Certificates::generate();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (server, key) = (write("server.pem", &certificates.server), write("key.pem", &certificates.server_key));
    let authority = write("authority.pem", &certificates.authority);
    let stranger = write("stranger.pem", &Certificates::generate().authority);
    for protocol in ["grpc", "http"] {
        for (roots, spans) in [(&authority, 2), (&stranger, 0)] {
            let collector = Collector::start(&[&server, &key]).await;
            let endpoint = format!("https://localhost:{}", collector.port);
            let roots = roots.to_str().unwrap();
            let service = service(&endpoint, protocol, &[("SSL_CERT_FILE", roots)]);
            if spans == 0 {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let lines = collector.lines(spans).await;
            assert_eq!(lines.len(), spans, "{protocol}: {lines:#?}");
            end(service).await;
            assert_eq!(collector.lines(0).await.len(), spans, "{protocol}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
