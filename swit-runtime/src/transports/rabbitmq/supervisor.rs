//! The task behind a subscription: opens its session, and opens the next one whenever one ends, for whatever reason.
//!
//! A session begins with a prefetch of one, until a message was seen that did not come back again and again: so those
//! that were merely prefetched are not condemned with the one that kills its process. After that such a message waits
//! until nothing else is out, and is handled alone.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use lapin::{
    Channel, Consumer,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions},
    types::{FieldTable, ShortString},
};
use tokio::{
    sync::oneshot,
    time::{Instant, MissedTickBehavior, interval, interval_at, sleep, timeout},
};

use super::{
    core::Core,
    declare::{Declaring, in_time},
    link::{PATIENCE, Up, describe},
    session::{Caution, Session},
    subscription::Inner,
};
use crate::{
    error::TransportError,
    failpoint::{self, Sabotage},
    id::chance,
    transport::{Queue, SubscriptionState},
};

/// How long an acknowledgement may wait for others to travel with.
const COALESCING: Duration = Duration::from_millis(1);
/// How often it is looked for deliveries that are held too long, and for channels that died silently.
const LOOK: Duration = Duration::from_secs(1);

/// How often the queue of an instance that is paused is used, which would end by itself otherwise.
const RENEWAL: Duration = Duration::from_mins(10);

/// How long handlers may take to end before what waits behind them goes back.
const QUICK: Duration = Duration::from_millis(100);
/// So many go back at a time, and so long after the ones before.
const HANDFUL: usize = 16;
const PACE: Duration = Duration::from_millis(10);

/// Why a session is over.
enum End {
    /// The subscription was closed.
    Closed,
    /// It is paused, and nothing of it is out any more.
    Paused,
    /// The connection is gone, and all that was on it.
    Lost,
    /// The channel or its consumer failed.
    Failed(String),
}

/// Runs a subscription until it is closed. `opened` learns how the first session began.
pub(super) async fn run(core: Arc<Core>, inner: Arc<Inner>, opened: oneshot::Sender<Result<(), TransportError>>) {
    let mut opened = Some(opened);
    let mut tries = 0;
    loop {
        rest(&core, &inner).await;
        let up = tokio::select! {
            biased;
            () = inner.closing.cancelled() => {
                forsake(&core, &inner).await;
                break;
            }
            up = core.consume.up() => up,
        };
        let Some(up) = up else { break };
        match open(&core, &inner, &up).await {
            Ok(session) => {
                inner.install(session);
                if let Some(opened) = opened.take() {
                    let _ = opened.send(Ok(()));
                }
            }
            Err(error) => {
                if let Some(opened) = opened.take() {
                    // Nobody is told of a queue that is not there but whoever asks for it.
                    let _ = opened.send(Err(error));
                    break;
                }
                tries += 1;
                let wait = core.options.reconnect.jittered(tries, chance());
                tracing::error!(queue = %inner.options.queue, %error, tries, retry_in = ?wait, "can't consume");
                tokio::select! {
                    () = inner.closing.cancelled() => break,
                    () = sleep(wait) => continue,
                }
            }
        }
        let began = Instant::now();
        match serve(&core, &inner, &up).await {
            End::Closed => {
                inner.wake_all();
                retire(&core, &inner, &up).await;
                if let Some(queue) = core.own(&inner.options.queue) {
                    delete(&core, &queue, &up).await;
                }
                break;
            }
            End::Lost | End::Failed(_) if failpoint::is_broken(Sabotage::StayDown) => inner.closing.cancelled().await,
            End::Paused => {
                if let Some(session) = inner.discard() {
                    close(&session.channel).await;
                }
                continue;
            }
            End::Lost => {
                inner.discard();
            }
            End::Failed(why) => {
                tracing::error!(queue = %inner.options.queue, %why, "consuming was interrupted; it begins again");
                if let Some(session) = inner.discard() {
                    close(&session.channel).await;
                }
            }
        }
        if inner.options.ordered && !settled(&inner).await {
            break;
        }
        if failpoint::is_broken(Sabotage::NoResubscribe) {
            inner.closing.cancelled().await;
        }
        // One that ended at once must not be opened in a tight loop; one that had worked is opened at once.
        tries = if began.elapsed() > PATIENCE { 0 } else { tries + 1 };
        let wait = if tries > 1 { core.options.reconnect.jittered(tries, chance()) } else { Duration::ZERO };
        tokio::select! {
            () = inner.closing.cancelled() => break,
            () = sleep(wait) => {}
        }
    }
    inner.closing.cancel();
    inner.returned.cancel();
    inner.status.send_replace(SubscriptionState::Closed);
    inner.wake_all();
}

/// Opens a session; on a queue that counts, with one delivery at a time at first.
async fn open(core: &Core, inner: &Inner, up: &Up) -> Result<Session, TransportError> {
    let queue = &inner.options.queue;
    let error = match open_channel(core, inner, up).await {
        Ok(session) => return Ok(session),
        Err(error) => error,
    };
    // Somebody deleted it while it was consumed: it is made again.
    if !core.declare_again(queue).await {
        return Err(core.failed("subscribe", queue, &error));
    }
    tracing::error!(%queue, error = %describe(&error), "the queue could not be consumed; it was declared again");
    open_channel(core, inner, up).await.map_err(|error| core.failed("subscribe", queue, &error))
}

async fn open_channel(core: &Core, inner: &Inner, up: &Up) -> Result<Session, lapin::Error> {
    let is_cautious =
        inner.options.prefetch > 1 && core.counts(&inner.options.queue) && !failpoint::is_broken(Sabotage::NoSuspects);
    let (prefetch, caution) =
        if is_cautious { (1, Caution::Suspicious) } else { (inner.options.prefetch, Caution::Off) };
    let channel = up.channel().await?;
    match consume(&channel, inner, prefetch).await {
        Ok(consumer) => Ok(Session::new(channel, consumer, prefetch, &inner.options, caution)),
        Err(error) => {
            // A consumer that comes too late would get deliveries that nobody reads.
            close(&channel).await;
            Err(error)
        }
    }
}

async fn consume(channel: &Channel, inner: &Inner, prefetch: u32) -> Result<Consumer, lapin::Error> {
    let short =
        |text: &str| ShortString::try_new(text).map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidInput));
    let prefetch = if failpoint::is_broken(Sabotage::PrefetchAll) {
        u16::MAX
    } else {
        u16::try_from(prefetch).unwrap_or(u16::MAX)
    };
    in_time(channel.basic_qos(prefetch, BasicQosOptions { global: false })).await?;
    let request = channel.basic_consume(
        short(&inner.options.queue)?,
        // The broker makes up a tag of its own: two sessions of one subscriber may overlap.
        ShortString::default(),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    );
    in_time(request).await
}

/// Sees to a session until it is over.
async fn serve(core: &Core, inner: &Inner, up: &Up) -> End {
    let mut looking = interval(LOOK);
    looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut held = Held::new(core.options.ack_limit);
    let mut renewing = interval_at(Instant::now() + RENEWAL, RENEWAL);
    loop {
        match heed(core, inner).await {
            Ok(Heeded::GoOn) => {}
            Ok(Heeded::Rest) => return End::Paused,
            Err(error) => return End::Failed(describe(&error)),
        }
        tokio::select! {
            biased;
            () = inner.closing.cancelled() => return End::Closed,
            () = up.down.cancelled() => return End::Lost,
            _ = renewing.tick() => renew(core, inner).await,
            // Before those that may come at any time.
            _ = looking.tick() => {
                let mut state = inner.lock();
                let Some(session) = &mut state.session else { return End::Lost };
                if !session.channel.status().connected() {
                    return End::Failed("its channel ended".to_owned());
                }
                session.pull_all(&inner.waker);
                if held.look(session, &inner.options.queue) && !failpoint::is_broken(Sabotage::CountWhatWaited) {
                    session.given_back += 1;
                }
                let (has_more, given_back) = (session.has_more(), session.given_back);
                state.given_back = given_back;
                drop(state);
                if has_more {
                    inner.ring();
                }
            }
            () = inner.changed.notified() => {
                let (ended, caution) = {
                    let mut state = inner.lock();
                    let Some(session) = &mut state.session else { return End::Lost };
                    (session.ended.take(), session.caution)
                };
                match (ended, caution) {
                    (Some(why), _) => return End::Failed(why),
                    (None, Caution::Satisfied) => {
                        if let Err(error) = widen(inner).await {
                            return End::Failed(describe(&error));
                        }
                    }
                    (None, Caution::Suspicious | Caution::Watchful | Caution::Off) => {}
                }
            }
            () = inner.untold.notified() => {
                let told = inner.told();
                sleep(COALESCING).await;
                inner.tell(told);
            }
        }
    }
}

/// What a session does after it was looked whether it is paused.
enum Heeded {
    GoOn,
    /// It ends, and the next one begins when the subscription is resumed.
    Rest,
}

/// Sees to it that a paused session holds nothing that it need not hold, and that one which is not paused consumes.
///
/// Where order does not count, the consumer is cancelled and what lies here goes back; what is out is settled on the same
/// channel, and consuming begins again on it. Where it counts, what is out is waited for, then the channel ends, by which
/// all that lies here goes back at once and in its place.
async fn heed(core: &Core, inner: &Inner) -> Result<Heeded, lapin::Error> {
    let is_ordered = inner.options.ordered || core.is_single_active(&inner.options.queue);
    let leaving = {
        let mut state = inner.lock();
        let is_paused = state.paused;
        let Some(session) = &mut state.session else { return Ok(Heeded::GoOn) };
        match (is_paused, session.consumer.is_some()) {
            (true, _) if is_ordered && session.out == 0 => {
                session.trust();
                session.flush(true);
                // What lies here goes back with the channel, which counts against nobody.
                if !session.ready.is_empty() {
                    session.given_back += 1;
                    state.given_back = session.given_back;
                }
                return Ok(Heeded::Rest);
            }
            (true, true) if !is_ordered => Some(session.begin_to_leave()),
            // Requeued meanwhile.
            (true, false) if !is_ordered && !session.ready.is_empty() => Some(None),
            (false, false) => None,
            _ => return Ok(Heeded::GoOn),
        }
    };
    let Some(consumer) = leaving else { return begin_again(inner).await };
    if let Some((channel, tag)) = consumer {
        cancel(&channel, tag).await?;
        if let Some(session) = &mut inner.lock().session {
            session.leave_consumer();
        }
    }
    let mut some = false;
    while inner.lock().session.as_mut().map_or(0, |session| session.give_back_first(HANDFUL)) > 0
        && !inner.closing.is_cancelled()
    {
        some = true;
        sleep(PACE).await;
    }
    if some {
        // It counts against nobody.
        let mut state = inner.lock();
        state.given_back += 1;
        let given_back = state.given_back;
        if let Some(session) = &mut state.session {
            session.given_back = given_back;
        }
    }
    Ok(Heeded::GoOn)
}

/// Consumes again on the channel of a session that was paused.
async fn begin_again(inner: &Inner) -> Result<Heeded, lapin::Error> {
    let session = inner.lock().session.as_ref().map(|session| (session.channel.clone(), session.caution));
    let Some((channel, caution)) = session else { return Ok(Heeded::GoOn) };
    let prefetch = if caution == Caution::Suspicious { 1 } else { inner.options.prefetch };
    let consumer = consume(&channel, inner, prefetch).await?;
    let mut state = inner.lock();
    if let Some(session) = &mut state.session {
        session.enter(consumer, prefetch);
    }
    inner.consumes(&state);
    drop(state);
    inner.ring();
    // It may have been paused again meanwhile.
    inner.changed.notify_one();
    Ok(Heeded::GoOn)
}

/// Returns when the subscription is not paused, or closed.
async fn rest(core: &Core, inner: &Inner) {
    let mut renewing = interval_at(Instant::now() + RENEWAL, RENEWAL);
    while inner.lock().paused {
        tokio::select! {
            () = inner.closing.cancelled() => return,
            () = inner.changed.notified() => {}
            _ = renewing.tick() => renew(core, inner).await,
        }
    }
}

/// The queue of this instance ends when nobody consumes it for a while; to declare it again is to use it.
async fn renew(core: &Core, inner: &Inner) {
    let queue = &inner.options.queue;
    if inner.lock().paused && core.own(queue).is_some() && !core.declare_again(queue).await {
        tracing::warn!(%queue, "the queue of this instance, which is paused, could not be kept in use");
    }
}

/// The queue of this instance goes with its subscription, also with one that was closed while it had no session.
async fn forsake(core: &Core, inner: &Inner) {
    if let Some(queue) = core.own(&inner.options.queue)
        && !core.closing.is_cancelled()
        && let Ok(Some(up)) = timeout(PATIENCE, core.consume.up()).await
    {
        delete(core, &queue, &up).await;
    }
}

/// Opens the whole prefetch: cancels the consumer of one and consumes anew on the same channel.
async fn widen(inner: &Inner) -> Result<(), lapin::Error> {
    let (channel, tag) = loop {
        {
            let mut state = inner.lock();
            let Some(session) = &mut state.session else { return Ok(()) };
            // Another instance may become the active consumer meanwhile, and must not overtake.
            if !inner.options.ordered || (session.out == 0 && session.ready.is_empty()) {
                let Some(leaving) = session.begin_to_leave() else { return Ok(()) };
                break leaving;
            }
        }
        tokio::select! {
            () = inner.closing.cancelled() => return Ok(()),
            () = inner.changed.notified() => {}
            () = sleep(COALESCING) => {}
        }
    };
    cancel(&channel, tag).await?;
    if let Some(session) = &mut inner.lock().session {
        session.leave_consumer();
    }
    let consumer = consume(&channel, inner, inner.options.prefetch).await?;
    if let Some(session) = &mut inner.lock().session {
        session.enter(consumer, inner.options.prefetch);
    }
    inner.ring();
    Ok(())
}

/// Stops consuming, waits for what is out, and closes the channel, by which the broker has back what lies here. Handlers that
/// take their time are not waited for with that: it goes back before. A transport that is closed waits for nothing that is
/// out: the broker delivers it again.
///
/// What is settled meanwhile is told together, and what goes back a few at a time: the broker (3.10 at least) keeps what it is
/// told of a quorum queue beyond 32 things in hand with the channel, and forgets it when the channel is closed. What was
/// done, and acknowledged, came again.
async fn retire(core: &Core, inner: &Inner, up: &Up) {
    // Where order counts, the consumer stays until its channel ends: else the next one would get what comes after the
    // deliveries that are still here.
    let is_ordered = inner.options.ordered || core.is_single_active(&inner.options.queue);
    let leaving = inner.lock().session.as_mut().and_then(Session::begin_to_leave);
    if let Some((channel, tag)) = leaving.filter(|_| !is_ordered)
        && let Err(error) = cancel(&channel, tag).await
    {
        tracing::debug!(error = %describe(&error), "cancelling a consumer");
    }
    let began = Instant::now();
    loop {
        let pause = {
            let mut state = inner.lock();
            let Some(session) = &mut state.session else { return };
            if !is_ordered {
                session.leave_consumer();
            }
            session.trust();
            let is_over = session.out == 0 || core.closing.is_cancelled() || !session.channel.status().connected();
            let is_slow = began.elapsed() >= QUICK;
            if is_over || is_slow {
                session.flush(true);
            }
            if is_over {
                break;
            }
            if is_slow && !is_ordered && session.give_back_first(HANDFUL) == 0 {
                inner.returned.cancel();
            }
            if session.ready.is_empty() || is_ordered { QUICK } else { PACE }
        };
        tokio::select! {
            () = up.down.cancelled() => break,
            () = core.closing.cancelled() => {}
            () = inner.changed.notified() => {}
            () = sleep(pause) => {}
        }
    }
    if let Some(session) = inner.discard() {
        close(&session.channel).await;
    }
}

async fn cancel(channel: &Channel, tag: ShortString) -> Result<(), lapin::Error> {
    in_time(channel.basic_cancel(tag, BasicCancelOptions { nowait: false })).await
}

/// Deletes the queue of this instance, which nobody else consumes. If it can't be, it ends by itself.
async fn delete(core: &Core, queue: &Queue, up: &Up) {
    let deleting = async {
        let declaring = Declaring::on(up, &core.options).await?;
        declaring.withdraw(queue).await?;
        declaring.close().await;
        Ok::<_, lapin::Error>(())
    };
    if let Ok(Err(error)) = timeout(PATIENCE, deleting).await {
        tracing::debug!(queue = %queue.name, error = %describe(&error), "deleting the queue of this instance");
    }
}

async fn close(channel: &Channel) {
    if channel.status().connected() {
        // What it holds is given back by the broker either way.
        let _ = timeout(LOOK, channel.close(200, ShortString::default())).await;
    }
}

/// Waits until nothing of earlier sessions is out any more. False: the subscription is closed.
async fn settled(inner: &Inner) -> bool {
    while inner.lock().orphans > 0 {
        tokio::select! {
            () = inner.closing.cancelled() => return false,
            () = inner.changed.notified() => {}
            () = sleep(LOOK) => {}
        }
    }
    true
}

/// Gives back what is held for so long that the broker would close the channel, to the precision of a look: notes now and
/// then up to which tag deliveries had come.
///
/// What waits for its turn goes back after two fifths of the limit, so that whatever is handed out has half of it left, as
/// long as a `timeout` may be; what is still out after nine tenths goes back as well, whoever has it.
struct Held {
    limit: Duration,
    /// When deliveries had come up to this tag, where that is not long ago.
    new: VecDeque<(Instant, u64)>,
    /// The same, where it is long enough ago for those that wait to go back.
    old: VecDeque<(Instant, u64)>,
    /// Up to this tag, nothing waits any longer.
    last_waiting: u64,
}

impl Held {
    fn new(limit: Duration) -> Self {
        Self { limit, new: VecDeque::new(), old: VecDeque::new(), last_waiting: 0 }
    }

    /// Looks. Whether something was given back that only waited.
    fn look(&mut self, session: &mut Session, queue: &str) -> bool {
        let now = Instant::now();
        let last = session.window.last();
        if self.new.back().is_none_or(|(_, tag)| *tag < last) {
            self.new.push_back((now, last));
        }
        let (waiting, out) = (self.limit * 2 / 5, self.limit * 9 / 10);
        while let Some(noted) = self.new.pop_front_if(|(noted, _)| now.duration_since(*noted) >= waiting) {
            self.last_waiting = noted.1;
            self.old.push_back(noted);
        }
        let given_back = session.give_back_up_to(self.last_waiting);
        if given_back > 0 {
            tracing::warn!(
                %queue,
                messages = given_back,
                "they waited for their turn for two fifths of `ack_limit` and go back to the queue; a smaller `prefetch` \
                 leaves them there"
            );
        }
        let mut expired = None;
        while let Some((_, tag)) = self.old.pop_front_if(|(noted, _)| now.duration_since(*noted) >= out) {
            expired = Some(tag);
        }
        let held: Vec<_> = expired.map(|tag| session.window.out_up_to(tag).collect()).unwrap_or_default();
        for tag in held {
            tracing::error!(%queue, "a delivery was held for nine tenths of `ack_limit`; it is given back, and comes again");
            session.reject(tag, true);
        }
        given_back > 0
    }
}
