//! A thread that reads ahead: reading a pipe blocks, and nothing that is async may.
//!
//! It hands over batches, so that a line costs no wake-up, and never waits with a batch that is not empty while the
//! other end of a pipe is silent. At most [`AHEAD`] batches of about [`BATCH_BYTES`] are read ahead.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tokio::sync::mpsc;

use super::{Line, Lines};

const AHEAD: usize = 2;
const BATCH_LINES: usize = 256;
const BATCH_BYTES: usize = 256 * 1024;

/// Where lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input, to its end.
    Stdin,
}

impl Source {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::File(path) => Box::new(File::open(path)?),
            Self::Stdin => Box::new(io::stdin()),
        })
    }
}

/// Some lines, and how far the input was read with them.
#[derive(Debug, Default)]
pub struct Batch {
    /// The lines, in their order.
    pub lines: Vec<Line>,
    /// Bytes of the input read so far.
    pub position: u64,
}

/// The lines of a source, read by a thread of their own.
#[derive(Debug)]
pub struct Feed {
    batches: mpsc::Receiver<io::Result<Batch>>,
    stopped: Arc<AtomicBool>,
}

impl Feed {
    /// Opens a source and starts to read it.
    ///
    /// # Errors
    /// It can't be opened, or there is no thread to be had.
    pub fn open(source: &Source) -> io::Result<Self> {
        let input = source.open()?;
        let (sender, batches) = mpsc::channel(AHEAD);
        let stopped = Arc::new(AtomicBool::new(false));
        let lines = Lines::new(BufReader::with_capacity(BATCH_BYTES, input));
        let flag = stopped.clone();
        // Not joined: blocked in a silent pipe it can't be woken, and it ends with the process.
        thread::Builder::new().name("read-orders".to_owned()).spawn(move || read(lines, &sender, &flag))?;
        Ok(Self { batches, stopped })
    }

    /// The next lines; `None` at the end. Cancel-safe.
    ///
    /// # Errors
    /// The input can't be read on.
    pub async fn next(&mut self) -> Option<io::Result<Batch>> {
        self.batches.recv().await
    }

    /// Stops reading. What was read before is still handed out by [`take_read`](Self::take_read).
    pub fn stop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.batches.close();
    }

    /// The next batch of those that were read already; `None` when there is none.
    pub fn take_read(&mut self) -> Option<Batch> {
        self.batches.try_recv().ok()?.ok()
    }
}

/// Reads to the end, to an error, or until nobody wants more.
fn read(
    mut lines: Lines<BufReader<Box<dyn Read + Send>>>,
    batches: &mpsc::Sender<io::Result<Batch>>,
    stopped: &AtomicBool,
) {
    loop {
        let (batch, ended) = match next_batch(&mut lines, stopped) {
            Ok(batch) => batch,
            Err((batch, error)) => {
                // What was read before the error comes first.
                let _ = batches.blocking_send(Ok(batch));
                let _ = batches.blocking_send(Err(error));
                return;
            }
        };
        if batches.blocking_send(Ok(batch)).is_err() || ended {
            return;
        }
    }
}

fn next_batch<R: Read>(
    lines: &mut Lines<BufReader<R>>,
    stopped: &AtomicBool,
) -> Result<(Batch, bool), (Batch, io::Error)> {
    let mut batch = Batch::default();
    let mut bytes = 0;
    let mut ended = false;
    while !ended && batch.lines.len() < BATCH_LINES && bytes < BATCH_BYTES {
        match lines.next_line() {
            Ok(Some(line)) => {
                bytes += line.body.len();
                batch.lines.push(line);
            }
            Ok(None) => ended = true,
            Err(error) => return Err((batch, error)),
        }
        if stopped.load(Ordering::Relaxed) {
            ended = true;
        }
        // With nothing at hand, the next line may be long in coming.
        if lines.input().buffer().is_empty() {
            break;
        }
    }
    batch.position = lines.position();
    Ok((batch, ended))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_comes_whole_and_in_order() {
        let path = std::env::temp_dir().join(format!("swit-feed-{}", std::process::id()));
        let text = (1..=10_000).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n");
        std::fs::write(&path, &text).unwrap();
        let mut feed = Feed::open(&Source::File(path.clone())).unwrap();
        let (mut count, mut position) = (0, 0);
        while let Some(batch) = feed.next().await {
            let batch = batch.unwrap();
            position = batch.position;
            for line in batch.lines {
                count += 1;
                assert_eq!((line.number, line.body.as_ref()), (count, format!("line {count}").as_bytes()));
            }
        }
        std::fs::remove_file(path).unwrap();
        assert_eq!((count, position), (10_000, text.len() as u64));
    }

    #[tokio::test]
    async fn what_is_no_file_is_an_error() {
        assert!(Feed::open(&Source::File("/no/such/file".into())).is_err());
        let mut directory = Feed::open(&Source::File(std::env::temp_dir())).unwrap();
        assert!(directory.next().await.unwrap().unwrap().lines.is_empty());
        assert!(directory.next().await.unwrap().is_err());
    }
}
