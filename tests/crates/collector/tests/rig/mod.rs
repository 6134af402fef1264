//! The collector, as a process of its own.

use std::{
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use swit_collector::Line;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// The collector, as a process.
pub(crate) struct Collector {
    /// Ends when this is dropped.
    _process: Child,
    pub(crate) port: u16,
    lines: Arc<Mutex<Vec<Line>>>,
}

impl Collector {
    /// With these arguments.
    pub(crate) async fn start(arguments: &[&std::path::Path]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_swit-collector"))
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = output.next_line().await.unwrap().unwrap().parse().unwrap();
        let lines: Arc<Mutex<Vec<Line>>> = Arc::default();
        let seen = lines.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = output.next_line().await {
                seen.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { _process: process, port, lines }
    }

    /// Everything that arrived, once it has been this much.
    pub(crate) async fn lines(&self, wanted: usize) -> Vec<Line> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.lines.lock().unwrap().len() < wanted && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.lines.lock().unwrap().clone()
    }
}
