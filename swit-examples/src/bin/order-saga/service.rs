//! The program's life: start, go on with what is under way, take lines in, wait for their outcomes, account.

use std::{
    io,
    time::{Duration, Instant},
};

use swit::{App, Running, StoreError, store::ValueError, transport::ConnectionState};
use swit_orders::{
    input::{Batch, Feed, Source},
    progress,
    summary::Summary,
};
use tokio::{sync::watch, time};

use super::{
    again,
    args::Options,
    bank::Bank,
    books::{self, Books, Progress},
    error::NotDone,
    input,
    intake::Intake,
    tables,
};

/// The program's own configuration.
const CONFIGURATION: &str = include_str!("../../../order-saga.toml");

/// How often it is looked how far everything is.
const TICK: Duration = Duration::from_millis(100);

/// Lines that are in and have no outcome, at most: no queue of the embedded transport ever finds itself full.
const WINDOW: u64 = 4_096;

/// Where nothing comes to an end for this long, nothing will: what is left is parked, or lies in a dead-letter queue. Longer
/// than a broker takes to give what a killed process had to this one.
const PATIENCE: Duration = Duration::from_mins(1);

/// Why a run ended with an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RunError {
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
    /// Lines have no outcome, and nothing comes to an end any more.
    #[error(
        "{0} lines have no outcome, and nothing has come to an end for a minute; `order-saga saga list`, `outbox list` and \
         `dlq list` say where they are, and a next start goes on with them"
    )]
    Stuck(u64),
    /// The database does not answer, again and again.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::NotDone(error.into())
    }
}

impl From<ValueError> for RunError {
    fn from(error: ValueError) -> Self {
        StoreError::from(error).into()
    }
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Report {
    /// What became of all that is in.
    pub(crate) summary: Summary,
    /// What went wrong besides.
    pub(crate) error: Option<RunError>,
}

/// The app: everything that was linked, under the program's configuration, as it serves.
pub(crate) fn app() -> App {
    App::new()
        .service("order-saga", env!("CARGO_PKG_VERSION"))
        .config_text("order-saga.toml", CONFIGURATION)
        .migrations(tables::migrations())
        .with_provider_of::<Bank>()
}

/// Runs until all lines of the input have an outcome, or, where no input was named, until `stop` says so.
///
/// # Errors
/// There are no sums: the service did not start, the file can't be opened, or the database does not answer.
pub(crate) async fn run(options: Options, stop: watch::Receiver<bool>) -> Result<Report, RunError> {
    let serve = options.source.is_none();
    let source = options.source.unwrap_or(Source::Stdin);
    let name = input::name(&source).map_err(|error| unreadable(&source, error))?;
    let mut app = app();
    if serve {
        app = app.serve_pages();
    }
    if let Some(url) = options.database {
        app = app.set("database.url", url);
    }
    let running = app.start().await?;
    let database = running.database().ok_or(StoreError::NoDatabase)?;
    let books = Books::new(database, name);
    if running.inspect("default").is_some() {
        again::say(&running).await?;
    }
    let feed = Feed::open(&source).map_err(|error| unreadable(&source, error))?;
    let before = books.progress().await?.read;
    let started = Instant::now();
    let intake = Intake::new(books.clone(), running.publisher_of()?).await?;
    let mut run = Run { running, intake, books, bar: progress::Progress::new(&source), stop, position: 0 };
    let mut error = run.take_all(feed, &source).await.err();
    if serve && error.is_none() {
        run.serve_on().await;
    }
    let stopped = *run.stop.borrow();
    error = error.or(run.wait_for(0).await.err());
    run.bar.finish();
    let bank = run.running.scope().get::<Bank>();
    let known = books::Run {
        stats: run.running.stats(),
        asked_again: bank.map_or(0, |bank| bank.asked_again()),
        before,
        elapsed: started.elapsed(),
        stopped,
    };
    let summary = run.books.summary(known).await?;
    error = error.or(run.running.shutdown().await.err().map(Into::into));
    Ok(Report { summary, error })
}

struct Run {
    running: Running,
    intake: Intake,
    books: Books,
    bar: progress::Progress,
    stop: watch::Receiver<bool>,
    position: u64,
}

impl Run {
    /// Takes all lines in until the input ends or a stop is asked for; then those that were read ahead.
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
        self.intake.take(&batch.lines).await?;
        self.position = batch.position;
        self.wait_for(WINDOW).await
    }

    /// The input has ended, the service has not.
    async fn serve_on(&mut self) {
        if !*self.stop.borrow() {
            tracing::warn!("standard input ended; serving until stopped (SIGTERM or Ctrl-C)");
        }
        // It fails when the sender is gone: then nobody can stop us any more, and we stop.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }

    /// Waits until no more lines than this are under way.
    async fn wait_for(&mut self, most: u64) -> Result<(), RunError> {
        let (mut before, mut since) = (Progress::default(), Instant::now());
        loop {
            match self.books.progress().await {
                Ok(now) => {
                    self.bar.update(self.position, (now.read, now.ended));
                    let underway = now.read.saturating_sub(now.ended);
                    if underway <= most {
                        return Ok(());
                    }
                    if now != before || !self.connected() {
                        (before, since) = (now, Instant::now());
                    }
                    if since.elapsed() >= PATIENCE {
                        return Err(RunError::Stuck(underway));
                    }
                }
                Err(error) if since.elapsed() >= PATIENCE => return Err(error.into()),
                Err(error) => tracing::info!(%error, "it is not known how far everything is"),
            }
            time::sleep(TICK).await;
        }
    }

    /// Whether the broker is there; while it is not, that nothing happens says nothing.
    fn connected(&self) -> bool {
        let connections = self.running.connections("default");
        connections.iter().all(|status| status.borrow().state == ConnectionState::Connected)
    }
}

fn unreadable(from: &Source, source: io::Error) -> RunError {
    let from = match from {
        Source::File(path) => format!("`{}`", path.display()),
        Source::Stdin => "standard input".to_owned(),
    };
    RunError::Input { from, source }
}
