//! A publication on its way: watched by whoever published it and by whoever flushes, and not taken back when nobody
//! watches it any more.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::{check::unrouted, home::Home, series::Ticket};
use crate::{
    error::PublishError,
    event::Unrouted,
    id::MessageId,
    outcome::one_line,
    said::{Shown, ShownId},
    text::Text,
    trace::{self, Pending},
    transport::{BoxFuture, Receipt},
};

/// What publishing answers.
pub(super) type Answer = Result<MessageId, PublishError>;

/// A publication on its way.
pub(super) struct Flight {
    course: Mutex<Course>,
    done: AtomicBool,
    watchers: Arc<Watchers>,
    home: Arc<Home>,
    publisher: Option<Text>,
    /// Where it is counted, and since when it is on its way.
    counted: Option<(Ticket, Instant)>,
}

/// How far it is.
enum Course {
    /// Held back for its batch.
    Held,
    /// In the middleware, or beyond it.
    Chain(BoxFuture<'static, Answer>),
    /// The transport has it.
    Sent(Sent),
    /// Answered; `None` once the answer was taken.
    Done(Option<Answer>),
}

/// What the transport has and has not confirmed yet.
pub(super) struct Sent {
    pub(super) id: MessageId,
    pub(super) topic: Text,
    pub(super) unrouted: Unrouted,
    pub(super) home: Arc<Home>,
    pub(super) receipt: BoxFuture<'static, Result<Receipt, PublishError>>,
    /// Until when it is waited for, and how long that is.
    pub(super) until: Option<(Instant, Duration)>,
    pub(super) timer: Option<Pin<Box<Sleep>>>,
    /// Its span, where it is recorded.
    pub(super) pending: Option<Box<dyn Pending>>,
}

impl Future for Sent {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Answer> {
        let this = self.get_mut();
        let polled = this.poll_answer(task);
        if let Poll::Ready(answer) = &polled {
            trace::answer(this.pending.take(), answer);
        }
        polled
    }
}

impl Sent {
    fn poll_answer(&mut self, task: &mut Context<'_>) -> Poll<Answer> {
        let this = self;
        if let Poll::Ready(receipt) = this.receipt.as_mut().poll(task) {
            return Poll::Ready(receipt.and_then(|receipt| {
                if !receipt.routed {
                    this.home.unrouted(&this.topic);
                    unrouted(&this.topic, this.unrouted)?;
                }
                Ok(std::mem::take(&mut this.id))
            }));
        }
        let Some((until, waited)) = this.until else { return Poll::Pending };
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        timer.as_mut().poll(task).map(|()| Err(PublishError::Timeout { destination: this.topic.clone(), waited }))
    }
}

/// Who is woken when a flight gets on: its publisher, and everybody who waits for it to land.
#[derive(Default)]
struct Watchers(Mutex<(Option<Waker>, Vec<Waker>)>);

impl Watchers {
    fn lock(&self) -> MutexGuard<'_, (Option<Waker>, Vec<Waker>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_all(&self) {
        let (publisher, others) = std::mem::take(&mut *self.lock());
        publisher.into_iter().chain(others).for_each(Waker::wake);
    }
}

impl Wake for Watchers {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

impl Flight {
    /// Held back for its batch.
    pub(super) fn held(home: Arc<Home>, publisher: Option<Text>, ticket: Option<Ticket>) -> Arc<Self> {
        Self::new(Course::Held, home, publisher, ticket)
    }

    /// Begins its way through middleware. What does not wait is done when this returns; what waits has a task of its own,
    /// since whoever publishes many awaits one after the other.
    pub(super) fn through(
        chain: BoxFuture<'static, Answer>,
        home: Arc<Home>,
        publisher: Option<Text>,
        ticket: Option<Ticket>,
    ) -> Arc<Self> {
        let flight = Self::new(Course::Chain(chain), home, publisher, ticket);
        if flight.advance(true).is_pending() {
            let driven = flight.clone();
            flight.home.run(Box::pin(async move { driven.landed().await }));
        }
        flight
    }

    /// The transport has it.
    pub(super) fn sent(sent: Sent, home: Arc<Home>, publisher: Option<Text>, ticket: Option<Ticket>) -> Arc<Self> {
        Self::new(Course::Sent(sent), home, publisher, ticket)
    }

    fn new(course: Course, home: Arc<Home>, publisher: Option<Text>, ticket: Option<Ticket>) -> Arc<Self> {
        Arc::new(Self {
            course: Mutex::new(course),
            done: AtomicBool::new(false),
            watchers: Arc::default(),
            home,
            publisher,
            counted: ticket.map(|ticket| (ticket, Instant::now())),
        })
    }

    /// Counts how it landed; called once.
    fn count(&self, answer: &Answer) {
        if let (Some(published), Some((ticket, since))) = (&self.home.published, self.counted) {
            published.landed(ticket, since, answer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its batch goes out: the answer, or what is waited for.
    pub(super) fn go(&self, sent: Result<Sent, Answer>) {
        match sent {
            Ok(sent) => *self.lock() = Course::Sent(sent),
            Err(answer) => {
                self.count(&answer);
                *self.lock() = Course::Done(Some(answer));
                self.done.store(true, Ordering::Release);
            }
        }
        self.watchers.wake_all();
    }

    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Gets on as far as it can without waiting. Whoever polls, all watchers are woken when there is more to do.
    fn advance(&self, by_publisher: bool) -> Poll<()> {
        let waker = Waker::from(self.watchers.clone());
        let mut task = Context::from_waker(&waker);
        let mut course = self.lock();
        let answer = match &mut *course {
            Course::Held => Poll::Pending,
            Course::Chain(chain) => chain.as_mut().poll(&mut task),
            Course::Sent(sent) => Pin::new(sent).poll(&mut task),
            Course::Done(_) => return Poll::Ready(()),
        };
        let Poll::Ready(answer) = answer else { return Poll::Pending };
        self.count(&answer);
        // What was waited for may hold much, and may do something when it is dropped: not under the lock.
        let landed = std::mem::replace(&mut *course, Course::Done(Some(answer)));
        self.done.store(true, Ordering::Release);
        drop(course);
        drop(landed);
        if by_publisher {
            // It is here already: woken, its task would run once more for nothing.
            self.watchers.lock().0 = None;
        }
        self.watchers.wake_all();
        Poll::Ready(())
    }

    /// Polled by its publisher, of whom there is one.
    pub(super) fn poll_answer(&self, task: &mut Context<'_>) -> Poll<Answer> {
        if !self.is_done() {
            self.watchers.lock().0 = Some(task.waker().clone());
        }
        if self.advance(true).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(self.take_answer())
    }

    /// The answer of a flight that has landed.
    pub(super) fn take_answer(&self) -> Answer {
        match &mut *self.lock() {
            // Asked again after it answered, which a future's contract forbids: nothing sensible is left to say.
            Course::Done(answer) => answer.take().unwrap_or(Err(PublishError::Closed)),
            _ => Err(PublishError::Closed),
        }
    }

    /// Waits until it has landed, whatever the answer.
    pub(super) async fn landed(&self) {
        poll_fn(|task| {
            if !self.is_done() {
                let others = &mut self.watchers.lock().1;
                if !others.iter().any(|known| known.will_wake(task.waker())) {
                    others.push(task.waker().clone());
                }
            }
            self.advance(false)
        })
        .await;
    }

    /// Its publisher no longer waits: it goes on by itself.
    pub(super) fn leave(self: &Arc<Self>) {
        if self.is_done() {
            return;
        }
        self.watchers.lock().0 = None;
        let flight = self.clone();
        // What the middleware still has can't be named; its error says where it was going.
        let sent = match &*self.lock() {
            Course::Sent(sent) => Some((sent.id.clone(), sent.topic.clone())),
            Course::Held | Course::Chain(_) | Course::Done(_) => None,
        };
        self.home.run(Box::pin(async move {
            flight.landed().await;
            if let Err(error) = flight.take_answer() {
                let publisher = flight.publisher.as_deref().unwrap_or_default();
                tracing::error!(
                    publisher,
                    message_id = sent.as_ref().map(|(id, _)| tracing::field::display(ShownId(id))),
                    topic = sent.as_ref().map(|(_, topic)| tracing::field::display(Shown(topic))),
                    error = %one_line(&error),
                    "a publication that nobody waited for failed"
                );
            }
        }));
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight")
            .field("publisher", &self.publisher)
            .field("done", &self.is_done())
            .finish_non_exhaustive()
    }
}

/// The flights of one publisher that have not landed.
///
/// As many as whoever publishes has started; they are not held here but looked at, and those that have landed are swept
/// out whenever their number has doubled.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<Watched>);

#[derive(Debug, Default)]
struct Watched {
    flights: Vec<Weak<Flight>>,
    sweep_at: usize,
}

/// Fewest flights that are swept.
const SWEEP: usize = 64;

impl Flights {
    pub(super) fn add(&self, flight: &Arc<Flight>) {
        let mut watched = self.lock();
        if watched.flights.len() >= watched.sweep_at {
            watched.flights.retain(|flight| flight.upgrade().is_some_and(|flight| !flight.is_done()));
            watched.sweep_at = (watched.flights.len() * 2).max(SWEEP);
        }
        watched.flights.push(Arc::downgrade(flight));
    }

    /// Those that are on their way now.
    pub(super) fn outstanding(&self) -> Vec<Arc<Flight>> {
        let watched = self.lock();
        watched.flights.iter().filter_map(Weak::upgrade).filter(|flight| !flight.is_done()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
