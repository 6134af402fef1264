//! The service's life: start, take lines, drain, account.

use std::{
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use swit::{App, Running, transport::ConnectionState};
use swit_orders::summary::Summary;
use tokio::{sync::watch, time};

use super::{
    args::Options,
    dead_letters::DeadLetterFile,
    input::{Batch, Feed, Source},
    intake::{Intake, NotPublished},
    ledger::{Ledger, Window},
    metrics,
    progress::Progress,
    summary::summary,
};

/// The example's own configuration.
const CONFIGURATION: &str = include_str!("../../order-service.toml");

/// What is different where it works off an input: no rate limit, and short waits for the partner.
const WORKING_OFF: &str = include_str!("../../working-off.toml");

/// How often progress is looked at while nothing is read.
const TICK: Duration = Duration::from_millis(100);

/// A transport that can't say whether anything is in flight is taken to be done when nothing happened for this long while it
/// was connected. Longer than a broker takes to notice that another process of the group hangs, and to give its deliveries to
/// this one: up to three heartbeats of ten seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// Why a run ended with an error. What was read until then is in the summary all the same.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The service did not start, or did not stop in time.
    #[error(transparent)]
    Service(#[from] swit::Error),
    /// The input can't be opened or read.
    #[error("can't read {from}: {source}")]
    Input {
        /// What was read.
        from: String,
        /// Why not.
        source: io::Error,
    },
    /// A line was read and could not be published.
    #[error(transparent)]
    Publish(#[from] NotPublished),
    /// Nothing is in flight any more, and yet the ledger has no room for another line.
    #[error("stopped reading before line {0}: nothing is in flight, but too many lines have no outcome")]
    Lost(u64),
    /// The dead letters can't be written.
    #[error("can't write dead letters to `{path}`: {source}")]
    DeadLetters {
        /// The file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// Dead letters would overwrite the input.
    #[error("`--dead-letters {0}` is the input itself; name another file")]
    SameFile(String),
}

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// What became of all that was read.
    pub summary: Summary,
    /// What went wrong besides.
    pub error: Option<RunError>,
}

/// The app: everything that was linked, under the example's configuration, as it serves.
pub fn app() -> App {
    App::new().service("order-service", env!("CARGO_PKG_VERSION")).config_text("order-service.toml", CONFIGURATION)
}

/// Runs until the input ends, or, where no input was named, until `stop` says so.
///
/// # Errors
/// Nothing was read: the service did not start, or a file can't be opened.
pub async fn run(options: Options, stop: watch::Receiver<bool>) -> Result<Report, RunError> {
    let serve = options.source.is_none();
    let source = options.source.unwrap_or(Source::Stdin);
    let letters = open_dead_letters(options.dead_letters.as_deref(), &source)?;
    let ledger = Arc::new(Ledger::new(Window::DEFAULT));
    metrics::describe();
    let app = if serve { app().serve_pages() } else { app().config_text("working-off.toml", WORKING_OFF) };
    let running = app.provide_shared(ledger.clone()).provide_shared(letters.clone()).start().await?;
    let feed = Feed::open(&source).map_err(|error| unreadable(&source, error))?;
    let mut run = Run {
        intake: Intake::new(running.publisher()?, ledger.clone().into()),
        progress: Progress::new(&source),
        running,
        ledger,
        stop,
        position: 0,
    };
    let started = Instant::now();
    let mut error = run.take_all(feed, &source).await.err();
    if serve && error.is_none() {
        run.serve_on().await;
    }
    let stopped = *run.stop.borrow();
    run.drain().await;
    let elapsed = started.elapsed();
    run.progress.finish();
    let summary = summary(&run.ledger, &run.running.stats(), elapsed, stopped);
    let ended = run.running.shutdown().await;
    error = error.or(ended.err().map(Into::into));
    if let (Err(source), Some(path)) = (letters.finish(), &options.dead_letters) {
        error = error.or(Some(RunError::DeadLetters { path: path.display().to_string(), source }));
    }
    Ok(Report { summary, error })
}

struct Run {
    running: Running,
    ledger: Arc<Ledger>,
    intake: Intake,
    progress: Progress,
    stop: watch::Receiver<bool>,
    position: u64,
}

impl Run {
    /// Publishes all lines until the input ends or a stop is asked for; then those that were read ahead.
    async fn take_all(&mut self, mut feed: Feed, source: &Source) -> Result<(), RunError> {
        loop {
            let next = tokio::select! {
                next = feed.next() => next,
                _ = self.stop.wait_for(|stop| *stop) => break,
            };
            match next {
                Some(Ok(batch)) => self.take(batch).await?,
                Some(Err(error)) => return Err(unreadable(source, error)),
                None => return Ok(()),
            }
        }
        feed.stop();
        while let Some(batch) = feed.take_read() {
            self.take(batch).await?;
        }
        Ok(())
    }

    async fn take(&mut self, batch: Batch) -> Result<(), RunError> {
        for line in batch.lines {
            let number = line.number;
            if !self.intake.open(&line, quiet(&self.running, &self.ledger)).await {
                return Err(RunError::Lost(number));
            }
            self.intake.start(line);
        }
        self.intake.settle().await?;
        self.position = batch.position;
        self.progress.update(self.position, self.ledger.progress());
        Ok(())
    }

    /// The input has ended, the service has not.
    async fn serve_on(&mut self) {
        if !*self.stop.borrow() {
            tracing::warn!("standard input ended; serving until stopped (SIGTERM or Ctrl-C)");
        }
        // It fails when the sender is gone: then nobody can stop us any more, and we stop.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }

    /// Waits until everything that was read is done with.
    async fn drain(&mut self) {
        let quiet = quiet(&self.running, &self.ledger);
        tokio::pin!(quiet);
        loop {
            tokio::select! {
                () = &mut quiet => return,
                () = time::sleep(TICK) => self.progress.update(self.position, self.ledger.progress()),
            }
        }
    }
}

/// Resolves when nothing is in flight any more: the transport says so, or all that was read is accounted for, or nothing
/// happened for long.
async fn quiet(running: &Running, ledger: &Ledger) {
    if let Some(transport) = running.inspect("default") {
        return transport.quiet().await;
    }
    let (mut before, mut since) = (ledger.progress(), Instant::now());
    loop {
        let (read, done) = before;
        if read == done || since.elapsed() >= PATIENCE {
            return;
        }
        time::sleep(TICK).await;
        let now = ledger.progress();
        if now != before || !connected(running) {
            (before, since) = (now, Instant::now());
        }
    }
}

/// Whether the broker is there; while it is not, that nothing happens says nothing.
fn connected(running: &Running) -> bool {
    running.connections("default").iter().all(|status| status.borrow().state == ConnectionState::Connected)
}

fn open_dead_letters(path: Option<&Path>, source: &Source) -> Result<Arc<DeadLetterFile>, RunError> {
    if let (Some(path), Source::File(input)) = (path, source)
        && let (Ok(letters), Ok(input)) = (path.canonicalize(), input.canonicalize())
        && letters == input
    {
        return Err(RunError::SameFile(path.display().to_string()));
    }
    let file = DeadLetterFile::create(path);
    file.map(Arc::new).map_err(|source| RunError::DeadLetters {
        path: path.map(|path| path.display().to_string()).unwrap_or_default(),
        source,
    })
}

fn unreadable(from: &Source, source: io::Error) -> RunError {
    let from = match from {
        Source::File(path) => format!("`{}`", path.display()),
        Source::Stdin => "standard input".to_owned(),
    };
    RunError::Input { from, source }
}
