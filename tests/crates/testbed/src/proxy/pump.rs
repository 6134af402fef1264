//! One way of one connection: reads, suffers, writes.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use tokio::{
    io::AsyncWriteExt as _,
    net::tcp::{ReadHalf, WriteHalf},
    sync::{mpsc, watch},
    time::{self, Instant},
};

use super::faults::{Delay, Direction, Faults, Link, Shared, Trap};

/// What is read at once.
const PIECE: usize = 16 * 1024;
/// The pieces that wait for their time; beyond, the sender feels it.
const WAITING: usize = 64;

/// The time that is left to do what a request asks for whose answer is lost.
const DOING: Duration = Duration::from_millis(100);

/// What was read, and when; or the end.
enum Piece {
    Bytes(Instant, Vec<u8>),
    End,
}

pub(crate) struct Pump<'a> {
    from: ReadHalf<'a>,
    way: Way<'a>,
}

/// A pump without its source.
struct Way<'a> {
    to: WriteHalf<'a>,
    direction: Direction,
    shared: &'a Shared,
    /// The client hears nothing any more.
    is_deaf: &'a AtomicBool,
    faults: watch::Receiver<Faults>,
    connection: u64,
    /// Bytes were swallowed: nothing sensible can pass any more.
    lost: bool,
    /// When the piece before was due, so that none overtakes another.
    last_due: Instant,
    /// The jitter's source, and the seed that it was made from.
    jitter: Option<(u64, SmallRng)>,
}

impl<'a> Pump<'a> {
    pub(crate) fn new(
        from: ReadHalf<'a>,
        to: WriteHalf<'a>,
        direction: Direction,
        connection: u64,
        shared: &'a Shared,
        is_deaf: &'a AtomicBool,
    ) -> Self {
        let (faults, last_due) = (shared.watch(), Instant::now());
        let way = Way { to, direction, shared, is_deaf, faults, connection, lost: false, last_due, jitter: None };
        Self { from, way }
    }

    /// Passes bytes on until their source ends, which is passed on as well.
    pub(crate) async fn run(self) -> io::Result<()> {
        let Self { from, mut way } = self;
        let (sender, mut pieces) = mpsc::channel(WAITING);
        let reading = async move {
            loop {
                let piece = read(&from).await.map_or(Piece::End, |bytes| Piece::Bytes(Instant::now(), bytes));
                let end = matches!(piece, Piece::End);
                if sender.send(piece).await.is_err() || end {
                    return Ok(());
                }
            }
        };
        let writing = async {
            while let Some(piece) = pieces.recv().await {
                way.carry(piece).await?;
            }
            Ok(())
        };
        tokio::try_join!(reading, writing).map(|_| ())
    }
}

impl Way<'_> {
    async fn carry(&mut self, piece: Piece) -> io::Result<()> {
        match piece {
            Piece::Bytes(at, bytes) => {
                self.wait(at).await;
                if self.direction == Direction::ToBroker
                    && let Some(trap) = self.shared.spring(&bytes)
                {
                    return self.end_at(trap, &bytes).await;
                }
                self.pass(&bytes).await
            }
            Piece::End => {
                self.wait(Instant::now()).await;
                if self.swallows() {
                    // The other end hears nothing of it. A cut ends this.
                    return std::future::pending().await;
                }
                self.to.shutdown().await
            }
        }
    }

    /// Ends the connection at a request.
    async fn end_at(&mut self, trap: Trap, bytes: &[u8]) -> io::Result<()> {
        if trap.passes {
            self.is_deaf.store(true, Relaxed);
            self.write(bytes).await?;
            time::sleep(DOING).await;
        }
        Err(io::ErrorKind::ConnectionReset.into())
    }

    fn link(&mut self) -> Link {
        self.faults.borrow_and_update().of(self.direction)
    }

    fn swallows(&mut self) -> bool {
        let is_deaf = self.direction == Direction::ToClient && self.is_deaf.load(Relaxed);
        self.lost || is_deaf || self.link().swallow
    }

    /// Waits until what was read at `at` is due, or the delay is over.
    async fn wait(&mut self, at: Instant) {
        let mut due = None;
        while let Some(delay) = self.link().delay {
            let due = *due.get_or_insert_with(|| self.due(at, delay));
            tokio::select! {
                () = time::sleep_until(due) => return,
                _ = self.faults.changed() => {}
            }
        }
    }

    fn due(&mut self, at: Instant, delay: Delay) -> Instant {
        if self.jitter.as_ref().is_none_or(|(seed, _)| *seed != delay.seed) {
            let way = self.connection * 2 + self.direction as u64;
            self.jitter = Some((delay.seed, SmallRng::seed_from_u64(delay.seed ^ way.rotate_left(32))));
        }
        let share = self.jitter.as_mut().map_or(0.0, |(_, rng)| rng.random::<f64>());
        self.last_due = self.last_due.max(at + delay.base + delay.jitter.mul_f64(share));
        self.last_due
    }

    async fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.swallows() {
                self.lose(rest.len());
                return Ok(());
            }
            // Twenty small pieces a second, so that a slow link is slow and not lumpy.
            let throttle = self.link().throttle;
            let size =
                throttle.map_or(rest.len(), |rate| rest.len().min(usize::try_from(rate / 20).unwrap_or(PIECE).max(1)));
            let (allowed, cut) = self.shared.spend(self.direction, size);
            self.write(&rest[..allowed]).await?;
            rest = &rest[allowed..];
            if cut {
                self.shared.close_all();
                return std::future::pending().await;
            }
            if let Some(rate) = throttle {
                self.pause(Duration::from_secs_f64(size as f64 / rate as f64)).await;
            }
        }
        Ok(())
    }

    fn lose(&mut self, bytes: usize) {
        self.lost = true;
        self.shared.counters(self.direction).swallow(bytes);
    }

    /// Writes, unless the link goes dead while the other end takes nothing.
    async fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.swallows() {
                self.lose(bytes.len());
                return Ok(());
            }
            tokio::select! {
                writable = self.to.writable() => writable?,
                _ = self.faults.changed() => continue,
            }
            // Counted first, so that who has read a byte finds it counted.
            self.shared.pass(self.direction, bytes.len());
            let written = self.to.try_write(bytes);
            self.shared.keep(self.direction, bytes.len() - written.as_ref().map_or(0, |written| *written));
            match written {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sleeps, but not longer than the throttle lasts.
    async fn pause(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        while self.link().throttle.is_some() {
            tokio::select! {
                () = time::sleep_until(until) => return,
                _ = self.faults.changed() => {}
            }
        }
    }
}

/// What is there, at least a byte; `None` at the end, however it came.
async fn read(from: &ReadHalf<'_>) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(PIECE);
    loop {
        from.readable().await.ok()?;
        match from.try_read_buf(&mut bytes) {
            Ok(0) => return None,
            Ok(_) => return Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
    }
}
