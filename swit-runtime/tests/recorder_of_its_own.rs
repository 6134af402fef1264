//! A program that records its metrics by its own means keeps them; it is told once that the metrics page has none of them.
//!
//! A test binary of its own: what records is chosen once in a process.
#![cfg(feature = "prometheus")]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    io,
    sync::{Arc, Mutex},
};

use swit_runtime::metrics::Recorder;

/// A log that is kept.
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

#[test]
fn a_recorder_of_its_own_is_left_alone_and_told_once() {
    metrics::set_global_recorder(metrics::NoopRecorder).unwrap();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..3 {
            assert!(Recorder::install().is_none());
        }
    });
    assert!(Recorder::global().is_none());
    let said = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(said.matches("with a recorder of its own").count(), 1, "{said}");
}
