//! `promtool` accepts the page.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use swit::{App, subscriber, testing::TestApp};

use super::page::text;
use crate::support::{Task, task};

#[subscriber(name = "metered-checked", topics = ["task.created", "odd.*"], circuit_breaker)]
async fn checked(_event: Task) {}

#[tokio::test(start_paused = true)]
async fn promtool_accepts_the_page() {
    let app = App::only::<(checked,)>().service("a \"quoted\" \\ name", "an \"odd\" \\ version");
    let app = TestApp::start(app).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let page = text(app.running()).await;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is there; the Debian package `prometheus` has it, which scripts/test installs");
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{said}\n{page}");
}
