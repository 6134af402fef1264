//! Publishing to brokers that return, refuse, answer in any order, or answer nonsense.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use lapin::{
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, ExchangeDeleteOptions},
    types::{AMQPValue, FieldTable},
};
use rand::{RngExt as _, rngs::SmallRng, seq::SliceRandom as _};
use serde::{Deserialize, Serialize};
use swit::{
    Event, Message, MessageId, PublishError, subscriber,
    transport::{Publication, Queue, Receipt, Room, Target},
};
use swit_testbed::{
    Broker, Fake, Seed,
    fake::{Answer, Declaring, Publish},
};
use tokio::time::timeout;

use crate::ground::{self, Foreign, PATIENCE, app, header, options, size, text, until};

/// What a fake broker is to do with a message: its body says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Taken,
    Returned,
    Refused,
    /// Never answered.
    Forgotten,
}

impl Fate {
    const ALL: [(Self, &str); 4] = [
        (Self::Taken, "taken"),
        (Self::Returned, "returned"),
        (Self::Refused, "refused"),
        (Self::Forgotten, "forgotten"),
    ];

    fn of(body: &[u8]) -> Self {
        Self::ALL.into_iter().find(|(_, word)| body == word.as_bytes()).expect("a body is a fate").0
    }

    fn publication(self) -> Publication {
        let (_, word) = Self::ALL.into_iter().find(|(fate, _)| *fate == self).expect("every fate has a word");
        Publication::new(Message::new("some.topic", word).with_id(MessageId::parse("an-id").expect("an id")))
    }
}

/// A published message that has no answer yet.
struct Waiting {
    tag: u64,
    fate: Fate,
    announced: bool,
}

/// A peer that answers `total` messages in an order of chance: one by one and many at once, returns long before the
/// confirmations that they belong to, and some only when others came.
fn scrambling(total: usize, seed: Seed) -> impl FnMut(&Publish) -> Vec<Answer> + Send {
    let (mut rng, mut waiting, mut seen, mut batch) = (seed.rng(), Vec::new(), 0, 1);
    move |publish| {
        seen += 1;
        waiting.push(Waiting { tag: publish.tag, fate: Fate::of(&publish.body), announced: false });
        if waiting.len() < batch && seen < total {
            return Vec::new();
        }
        batch = rng.random_range(1..48);
        let keep = if seen < total { rng.random_range(0..batch) } else { 0 };
        scrambled(&mut waiting, keep, &mut rng)
    }
}

fn scrambled(waiting: &mut Vec<Waiting>, keep: usize, rng: &mut SmallRng) -> Vec<Answer> {
    let mut answers = Vec::new();
    loop {
        // What came back is confirmed without waiting for further messages, as by any broker.
        let at = match waiting.iter().rposition(|other| other.announced) {
            Some(at) if waiting.len() <= keep => at,
            None if waiting.len() <= keep => return answers,
            _ => rng.random_range(0..waiting.len()),
        };
        let refused = waiting[at].fate == Fate::Refused;
        // Everything up to here at once, where one word fits all.
        let multiple =
            rng.random_bool(0.4) && waiting[..=at].iter().all(|other| (other.fate == Fate::Refused) == refused);
        let first = if multiple { 0 } else { at };
        // Their returns come before them, in any order, and with them those of others.
        let ahead = (at + 1 + rng.random_range(0..4)).min(waiting.len());
        let mut returns = Vec::new();
        for (place, other) in waiting.iter_mut().enumerate() {
            let due = (first..=at).contains(&place) || (place < ahead && rng.random_bool(0.3));
            if due && other.fate == Fate::Returned && !std::mem::replace(&mut other.announced, true) {
                returns.push(Answer::unroutable(other.tag));
            }
        }
        returns.shuffle(rng);
        answers.extend(returns);
        let tag = waiting[at].tag;
        answers.push(if refused { Answer::Nack { tag, multiple } } else { Answer::Ack { tag, multiple } });
        if rng.random_bool(0.1) {
            answers.push(Answer::Pause(Duration::from_millis(1)));
        }
        waiting.drain(first..=at);
    }
}

/// Fault 18.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_caller_learns_its_own_result_in_whatever_order_they_come() {
    let seed = Seed::draw("each_caller_learns_its_own_result_in_whatever_order_they_come");
    for round in 0..size(8, 200) {
        let seed = seed.part(&round.to_string());
        let mut rng = seed.rng();
        let total = rng.random_range(1..600);
        let fake = Fake::start(scrambling(total, seed.part("peer")));
        let mut options = options(&fake.url(), "scrambled");
        options.window = 64;
        let transport = ground::transport(options);
        transport.connect().await.unwrap();
        let publisher = transport.publisher();
        let mut sent = Vec::new();
        for number in 0..total {
            let fate = match rng.random_range(0..10) {
                0..5 => Fate::Taken,
                5..8 => Fate::Returned,
                _ => Fate::Refused,
            };
            let addressed = rng.random_bool(0.3);
            let target = if addressed { Target::Queue("a.queue".into()) } else { Target::Topic };
            sent.push((number, fate, addressed, publisher.publish(fate.publication().to(target))));
        }
        for (number, fate, addressed, publishing) in sent {
            let answer = timeout(PATIENCE, publishing).await.expect("everybody is answered");
            let right = match (fate, addressed) {
                (Fate::Taken, _) => matches!(answer, Ok(Receipt { routed: true, .. })),
                (Fate::Returned, false) => matches!(answer, Ok(Receipt { routed: false, .. })),
                (Fate::Returned, true) => matches!(answer, Err(PublishError::Unrouted { .. })),
                (_, _) => matches!(answer, Err(PublishError::Refused { .. })),
            };
            assert!(right, "round {round}: number {number} of {total} was {fate:?}, and learned {answer:?}");
        }
        transport.close().await;
    }
}

/// Fault 18: what is never answered is unknown, in time, and takes nobody else's answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_never_confirmed_is_unknown() {
    let fake = Fake::start(|publish| match Fate::of(&publish.body) {
        Fate::Taken => vec![Answer::ack(publish.tag)],
        Fate::Returned => vec![Answer::unroutable(publish.tag), Answer::ack(publish.tag)],
        Fate::Refused => vec![Answer::nack(publish.tag)],
        Fate::Forgotten => Vec::new(),
    });
    let mut options = options(&fake.url(), "forgotten");
    options.confirm_timeout = Duration::from_millis(700);
    let transport = ground::transport(options);
    transport.connect().await.unwrap();
    let publisher = transport.publisher();
    let fates = [Fate::Taken, Fate::Forgotten, Fate::Returned, Fate::Forgotten, Fate::Refused];
    let sent: Vec<_> =
        fates.iter().cycle().take(100).map(|fate| (fate, publisher.publish(fate.publication()))).collect();
    for (fate, publishing) in sent {
        let answer = timeout(Duration::from_secs(5), publishing).await.expect("everybody is answered in time");
        match (fate, &answer) {
            (Fate::Taken, Ok(Receipt { routed: true, .. }))
            | (Fate::Returned, Ok(Receipt { routed: false, .. }))
            | (Fate::Refused, Err(PublishError::Refused { .. }))
            | (Fate::Forgotten, Err(PublishError::Timeout { .. })) => {}
            _ => panic!("one was {fate:?}, and learned {answer:?}"),
        }
    }
    timeout(Duration::from_secs(3), transport.close()).await.expect("nobody waits for what is not confirmed");
}

/// What is never confirmed does not hold its place in the window for ever, and costs nobody else his answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_never_confirmed_makes_room() {
    const WINDOW: usize = 4;
    let fake = Fake::start(|publish| match Fate::of(&publish.body) {
        Fate::Forgotten => Vec::new(),
        _ => vec![Answer::ack(publish.tag)],
    });
    let mut options = options(&fake.url(), "held");
    options.confirm_timeout = Duration::from_millis(300);
    options.heartbeat = Duration::from_mins(1);
    options.window = WINDOW;
    let transport = ground::transport(options);
    transport.connect().await.unwrap();
    let publisher = transport.publisher();
    let publish = |fate: Fate| timeout(Duration::from_secs(5), publisher.publish(fate.publication()));
    for round in 0..3 {
        let forgotten: Vec<_> = (0..WINDOW).map(|_| publisher.publish(Fate::Forgotten.publication())).collect();
        let taken = publish(Fate::Taken).await.expect("there is room again");
        assert!(taken.is_ok(), "{round}: {taken:?}");
        for publishing in forgotten {
            let answer = timeout(Duration::from_secs(1), publishing).await.unwrap();
            assert!(matches!(answer, Err(PublishError::Timeout { .. })), "{answer:?}");
        }
    }
    assert_eq!(fake.connections(), 2, "the connection stays");
    timeout(Duration::from_secs(3), transport.close()).await.expect("it closes");
}

/// What still waited when a channel or a connection ended was not sent: it is neither lost nor unknown, and goes out over
/// the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_sent_waits_for_the_next_channel() {
    const WINDOW: usize = 50;
    let closed = Answer::CloseChannel { code: 406, text: "as a test asked".to_owned() };
    for end in [closed, Answer::HangUp] {
        let (mut channels, end_of_it) = (0, end.clone());
        let fake = Fake::start(move |publish| {
            channels += usize::from(publish.tag == 1);
            match (channels, publish.tag) {
                (1, 20) => vec![end_of_it.clone()],
                (1, _) => Vec::new(),
                (_, tag) => vec![Answer::ack(tag)],
            }
        });
        let mut options = options(&fake.url(), "unsent");
        options.window = WINDOW;
        let transport = ground::transport(options);
        transport.connect().await.unwrap();
        let publisher = transport.publisher();
        let sent: Vec<_> = (0..1_000).map(|_| publisher.publish(Fate::Taken.publication())).collect();
        let mut lost = 0;
        for publishing in sent {
            match timeout(PATIENCE, publishing).await.expect("everybody is answered") {
                Ok(_) => {}
                Err(PublishError::Lost { .. } | PublishError::Timeout { .. }) => lost += 1,
                Err(error) => panic!("{end:?}: {error:?}"),
            }
        }
        assert!((1..=WINDOW).contains(&lost), "{end:?}: {lost} of a window of {WINDOW} were lost");
        transport.close().await;
    }
}

/// A header too large for a frame would end the connection, with all that is on its way: it is refused before, and the
/// copy of a message leaves it behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_header_is_larger_than_a_frame() {
    let fake = Fake::obliging();
    let transport = ground::transport(options(&fake.url(), "frames"));
    transport.connect().await.unwrap();
    let largest = 120 * 1024;
    let mut size = largest;
    loop {
        let message = Fate::Taken.publication().message.with_header("large", "x".repeat(size));
        match transport.publisher().publish(Publication::new(message)).await {
            Ok(_) => break,
            Err(PublishError::TooLarge { limit, .. }) => assert_eq!(limit, largest),
            Err(error) => panic!("{size}: {error:?}"),
        }
        size -= 1;
    }
    let sent = fake.publishes().last().unwrap().properties.len();
    assert!((largest - 16..=largest).contains(&sent), "{sent} bytes");
    transport.close().await;

    // A frame of the smallest size that there is.
    let broker = Broker::shared();
    let transport = ground::transport(options(&format!("{}?frame_max=4096", broker.url()), "frames"));
    transport.connect().await.unwrap();
    transport.declare(&[Queue::subscriber("frames.q", ["frames.t"])]).await.unwrap();
    let message = |id: &str| Message::new("frames.t", "x").with_id(MessageId::parse(id).unwrap());
    let large = Publication::new(message("large").with_header("large", "x".repeat(4_000)));
    let answer = timeout(PATIENCE, transport.publisher().publish(large)).await.unwrap();
    assert!(matches!(answer, Err(PublishError::TooLarge { .. })), "{answer:?}");
    let keyed = Publication::new(message("keyed").with_key("k".repeat(4_096)));
    let answer = timeout(PATIENCE, transport.publisher().publish(keyed)).await.unwrap();
    assert!(matches!(answer, Err(PublishError::TooLarge { .. })), "{answer:?}");
    let mut copy = message("copy");
    for number in 0..500 {
        copy.headers.insert(format!("header-{number}"), "");
    }
    let copy = Publication::new(copy).to(Target::Queue("frames.q".into()));
    timeout(PATIENCE, transport.publisher().publish(copy)).await.unwrap().unwrap();
    let foreign = Foreign::connect(&broker.url()).await;
    let taken = foreign.take("frames.q").await.delivery;
    assert!(header(&taken.properties, "x-swit-dropped-headers").contains("header-"));
    assert!(transport.status().iter().all(|status| status.borrow().reconnects == 0), "a connection ended");
    transport.close().await;
}

/// What no broker says; with it, whatever is on its way has an unknown outcome, and the next connection is a good one.
fn nonsense() -> Vec<(&'static str, Answer)> {
    let frame = |kind: u8, channel: u16, payload: &[u8]| {
        let mut bytes = vec![kind];
        bytes.extend(channel.to_be_bytes());
        bytes.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        bytes.extend(payload);
        bytes.push(0xCE);
        Answer::Bytes(bytes)
    };
    let close = |code| (code, "as a test asked".to_owned());
    let ((channel_code, channel_text), (code, why)) = (close(406), close(320));
    vec![
        ("an end that is none", Answer::malformed()),
        ("an ack of what was not published", Answer::ack(4_711)),
        ("a nack of what was not published", Answer::nack(4_711)),
        ("a body of nothing", frame(3, 1, b"body")),
        ("a header of nothing", frame(2, 1, &[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
        ("a method that there is not", frame(1, 1, &[0, 60, 0xFF, 0xFF])),
        ("a method that is cut off", frame(1, 1, &[0, 60, 0, 80, 1])),
        ("a frame of no kind", frame(77, 1, b"?")),
        ("a frame of a channel that is not open", frame(1, 999, &[0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 1, 0])),
        ("the end of the channel", Answer::CloseChannel { code: channel_code, text: channel_text }),
        ("the end of the connection", Answer::CloseConnection { code, text: why }),
        ("silence for ever", Answer::HangUp),
    ]
}

/// Fault 18: malformed frames and wrong answers. Nobody is told that his message was confirmed who was not, everybody is
/// told something, and publishing goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_confirms_nothing_and_does_not_last() {
    for (what, answer) in nonsense() {
        // The first connection consumes; the second one is the first that publishes.
        let fake = Fake::start(move |publish| match (publish.at.connection, publish.tag) {
            (1, 3) => vec![answer.clone()],
            (1, 4..) => Vec::new(),
            _ => vec![Answer::ack(publish.tag)],
        });
        let mut options = options(&fake.url(), "nonsense");
        options.confirm_timeout = Duration::from_secs(1);
        let transport = ground::transport(options);
        transport.connect().await.unwrap();
        let publisher = transport.publisher();
        let publish = |number: u64| {
            let message = Message::new("some.topic", "x").with_id(MessageId::parse(&number.to_string()).unwrap());
            publisher.publish(Publication::new(message))
        };
        let sent: Vec<_> = (1..=6).map(|number| (number, publish(number))).collect();
        for (number, publishing) in sent {
            let answer = timeout(Duration::from_secs(10), publishing).await;
            let answer = answer.unwrap_or_else(|_| panic!("{what}: number {number} has no answer"));
            // Whatever was published anew on the next connection may be confirmed there.
            let elsewhere = fake.publishes().iter().any(|publish| {
                publish.at.connection > 1 && String::from_utf8_lossy(&publish.properties).contains(&number.to_string())
            });
            match answer {
                Ok(_) if number < 3 || elsewhere => {}
                Err(PublishError::Lost { .. } | PublishError::Timeout { .. }) if number >= 3 => {}
                // It may have been the only one on its way when the channel was ended.
                Err(PublishError::Refused { .. }) if number == 3 && what == "the end of the channel" => {}
                other => panic!("{what}: number {number} learned {other:?}"),
            }
        }
        let began = Instant::now();
        while let Err(error) = timeout(PATIENCE, publish(7)).await.expect("everybody is answered") {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}: publishing never goes on: {error}");
        }
        transport.close().await;
    }
}

/// A publication that ends the channel is refused with what the broker said, if it can only be that one; and channel after
/// channel is not ended as fast as they can be opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_ends_the_channel_learns_why_and_does_not_do_it_without_end() {
    let fake = Fake::start(|publish| match Fate::of(&publish.body) {
        Fate::Refused => vec![Answer::CloseChannel { code: 403, text: "ACCESS_REFUSED - not this topic".to_owned() }],
        _ => vec![Answer::ack(publish.tag)],
    });
    let transport = ground::transport(options(&fake.url(), "forbidden"));
    transport.connect().await.unwrap();
    let publisher = transport.publisher();
    let began = Instant::now();
    let mut tried = 0;
    while began.elapsed() < Duration::from_secs(2) {
        let answer = timeout(PATIENCE, publisher.publish(Fate::Refused.publication())).await.unwrap();
        let Err(PublishError::Refused { reason, .. }) = answer else { panic!("{answer:?}") };
        assert!(reason.contains("not this topic"), "{reason}");
        tried += 1;
    }
    assert!((1..10).contains(&tried), "{tried} channels within {:?}", began.elapsed());
    timeout(PATIENCE, publisher.publish(Fate::Taken.publication())).await.unwrap().unwrap();
    transport.close().await;
}

/// Somebody deletes the exchange: it is made again, with the bindings of the queues that hung on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_that_was_deleted_is_made_again() {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), "deleted"));
    transport.connect().await.unwrap();
    transport.declare(&[Queue::subscriber("deleted.q", ["deleted.t"])]).await.unwrap();
    let publisher = transport.publisher();
    let publish = || {
        let message = Message::new("deleted.t", "x").with_id(MessageId::parse("an-id").unwrap());
        timeout(PATIENCE, publisher.publish(Publication::new(message)))
    };
    assert!(publish().await.unwrap().unwrap().routed);
    let foreign = Foreign::connect(&broker.url()).await;
    foreign.channel.exchange_delete("deleted.events".into(), ExchangeDeleteOptions::default()).await.unwrap();
    let answer = publish().await.unwrap();
    let Err(PublishError::Refused { reason, .. }) = answer else { panic!("{answer:?}") };
    assert!(reason.contains("deleted.events"), "{reason}");
    assert!(publish().await.unwrap().unwrap().routed, "the queue is bound to it again");
    assert_eq!(broker.queue_depth("deleted.q"), Some(2));
    transport.close().await;
}

/// A delay queue that can't be made holds up nobody but those who need it, and is not tried again for each of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delay_queue_that_is_not_made_holds_up_nothing_else() {
    let fake = Fake::obliging();
    let transport = ground::transport(options(&fake.url(), "unmade"));
    transport.connect().await.unwrap();
    let publisher = transport.publisher();
    let taken = || Fate::Taken.publication();
    let delayed = |seconds| taken().delayed(Duration::from_secs(seconds));

    // It is not answered: what waits for it has its own limit, and comes before what is published later.
    fake.declare(Declaring::Ignored);
    let patient = publisher.publish(delayed(5));
    let limited = publisher.publish(delayed(5).with_room(Room::WaitAtMost(Duration::from_millis(200))));
    let others: Vec<_> = (0..10).map(|_| publisher.publish(taken())).collect();
    for other in others {
        timeout(Duration::from_secs(2), other).await.expect("it is not held up").unwrap();
    }
    let answer = timeout(Duration::from_secs(2), limited).await.unwrap();
    assert!(matches!(answer, Err(PublishError::Unavailable { .. })), "{answer:?}");
    let answer = timeout(PATIENCE, patient).await.unwrap();
    assert!(matches!(answer, Err(PublishError::Refused { .. })), "{answer:?}");
    assert_eq!(fake.declarations(), 1);

    // It is refused: for a while nobody asks again.
    fake.declare(Declaring::Refused);
    let began = Instant::now();
    for _ in 0..10 {
        let answer = timeout(Duration::from_secs(2), publisher.publish(delayed(10))).await.unwrap();
        let Err(PublishError::Refused { reason, .. }) = answer else { panic!("{answer:?}") };
        assert!(reason.contains("unmade.events.delay.10s"), "{reason}");
    }
    let asked = fake.declarations() - 1;
    assert!(asked as u64 <= 1 + began.elapsed().as_secs() / 3, "{asked} times within {:?}", began.elapsed());

    // It is granted in the end.
    fake.declare(Declaring::Granted);
    let began = Instant::now();
    while let Err(error) = timeout(PATIENCE, publisher.publish(delayed(10))).await.unwrap() {
        assert!(began.elapsed() < PATIENCE, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let sent = fake.publishes().iter().filter(|publish| publish.exchange == "unmade.events.delay.10s").count();
    assert_eq!(sent, 1);
    timeout(PATIENCE, transport.close()).await.unwrap();
}

/// What the broker would deliver too early, or close the channel for, is refused before it is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_to_live_that_the_broker_does_not_keep_are_refused() {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), "mortal"));
    transport.connect().await.unwrap();
    transport.declare(&[Queue::subscriber("mortal.q", ["mortal.t"])]).await.unwrap();
    let publisher = transport.publisher();
    let message = |ttl| Message::new("mortal.t", "x").with_id(MessageId::parse("an-id").unwrap()).with_ttl(ttl);
    let (minute, longest) = (Duration::from_mins(1), Duration::from_millis(u32::MAX.into()));
    let delayed = Publication::new(message(minute)).delayed(Duration::from_secs(5));
    let copy = delayed.clone().to(Target::Queue("mortal.q".into()));
    let eternal = Publication::new(message(longest + Duration::from_millis(1)));
    for (refused, why) in [(delayed, "delay"), (copy, "delay"), (eternal, "longest")] {
        let answer = timeout(PATIENCE, publisher.publish(refused)).await.unwrap();
        let Err(PublishError::Refused { reason, .. }) = answer else { panic!("{answer:?}") };
        assert!(reason.contains(why), "{reason}");
    }
    for ttl in [minute, longest] {
        assert!(timeout(PATIENCE, publisher.publish(Publication::new(message(ttl)))).await.unwrap().unwrap().routed);
    }
    assert_eq!(broker.queue_depth("mortal.q"), Some(2));
    transport.close().await;
}

/// A message that somebody takes.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "unroutable.taken", version = 1, unrouted = "error")]
struct Taken {
    number: usize,
}

/// A message that nobody takes.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "unroutable.nobody", version = 1, unrouted = "error")]
struct Nobodys {
    number: usize,
}

/// Fault 16.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_the_unroutable_fail() {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), "unroutable"));
    let running = app::<()>("unroutable", &transport).start().await.unwrap();
    transport.declare(&[Queue::subscriber("unroutable.q", ["unroutable.taken"])]).await.unwrap();
    let publisher = running.publisher().unwrap();
    let (seed, count) = (Seed::draw("exactly_the_unroutable_fail"), size(3_000, 100_000));
    let mut rng = seed.rng();
    // One in three, at places of chance.
    let fates: Vec<bool> = (0..count).map(|_| rng.random_ratio(1, 3)).collect();
    let answers: Vec<_> = stream::iter(fates.iter().enumerate())
        .map(|(number, nobody)| {
            let publisher = &publisher;
            async move {
                let answer = match nobody {
                    true => publisher.publish(&Nobodys { number }).await,
                    false => publisher.publish(&Taken { number }).await,
                };
                (number, answer)
            }
        })
        .buffer_unordered(64)
        .collect()
        .await;
    assert_eq!(answers.len(), count);
    for (number, answer) in answers {
        match (fates[number], &answer) {
            (false, Ok(_)) => {}
            (true, Err(PublishError::Unrouted { destination })) => {
                assert_eq!(destination.as_str(), "unroutable.nobody");
            }
            (nobody, _) => panic!("number {number}, nobody's: {nobody}, learned {answer:?}"),
        }
    }
    let taken = fates.iter().filter(|nobody| !**nobody).count() as u64;
    assert_eq!(broker.queue_depth("unroutable.q"), Some(taken));
    running.shutdown().await.unwrap();
}

/// A queue with room for ten, which refuses what is more.
async fn full_queue(foreign: &Foreign, name: &str, exchange: &str, key: &str) {
    foreign
        .queue(
            name,
            &[
                ("x-queue-type", text("classic")),
                ("x-max-length", AMQPValue::LongInt(10)),
                ("x-overflow", text("reject-publish")),
            ],
        )
        .await;
    foreign.bind(name, exchange, key).await;
}

/// Fault 17: who is refused learns it, and gets in when he tries again; nothing is lost and nothing is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_full_queue_refuses_is_an_error_and_can_be_tried_again() {
    let broker = Broker::shared();
    let foreign = Foreign::connect(&broker.url()).await;
    full_queue(&foreign, "full.q", "full.events", "full.work").await;
    let transport = ground::transport(options(&broker.url(), "full"));
    transport.connect().await.unwrap();
    let publisher = transport.publisher();
    let publish = |number: usize| {
        let message = Message::new("full.work", number.to_string());
        publisher.publish(Publication::new(message.with_id(MessageId::parse(&format!("full-{number}")).unwrap())))
    };
    let count = 300;
    let first: Vec<_> = (0..count).map(|number| (number, publish(number))).collect();
    let mut refused = Vec::new();
    for (number, publishing) in first {
        match timeout(PATIENCE, publishing).await.expect("everybody is answered") {
            Ok(receipt) => assert!(receipt.routed),
            Err(PublishError::Refused { destination, .. }) => {
                assert_eq!(destination.as_str(), "full.work");
                refused.push(number);
            }
            Err(error) => panic!("number {number} learned {error:?}"),
        }
    }
    let confirmed = count - refused.len();
    assert!(confirmed >= 10 && !refused.is_empty(), "{confirmed} found room");
    assert_eq!(broker.queue_depth("full.q"), Some(confirmed as u64), "what was confirmed is there, and nothing else");
    // Somebody takes what is there, slowly; those that were refused try until they are in.
    foreign.channel.basic_qos(5, BasicQosOptions::default()).await.unwrap();
    let consume = BasicConsumeOptions::default();
    let mut consumer =
        foreign.channel.basic_consume("full.q".into(), "".into(), consume, FieldTable::default()).await.unwrap();
    let taking = async {
        let mut taken = BTreeMap::new();
        while taken.len() < count {
            let delivery = consumer.next().await.unwrap().unwrap();
            let id = delivery.properties.message_id().as_ref().unwrap().to_string();
            *taken.entry(id).or_insert(0) += 1;
            delivery.ack(BasicAckOptions::default()).await.unwrap();
        }
        taken
    };
    let insisting = stream::iter(refused).for_each_concurrent(20, |number| async move {
        while let Err(error) = publish(number).await {
            assert!(matches!(error, PublishError::Refused { .. }), "{error:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let (taken, ()) = timeout(PATIENCE, async { tokio::join!(taking, insisting) }).await.expect("all get in");
    assert!(taken.values().all(|times| *times == 1), "what was refused did not get in: {taken:?}");
    assert_eq!(broker.queue_depth("full.q"), Some(0));
    transport.close().await;
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "crowded.input", version = 1)]
struct Input {
    number: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "crowded.output", version = 1, unrouted = "error")]
struct Output {
    number: usize,
}

/// Passes on what it gets.
#[subscriber(topic = "crowded.input", retries = 1, backoff = fixed("50ms"), concurrency = 4)]
async fn pass_on(input: Input) -> swit::Publish<Output> {
    swit::Publish(Output { number: input.number })
}

/// Fault 17, under a handler: an input whose output is refused is not done, and its dead letter says why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_whose_output_is_refused_is_kept() {
    let broker = Broker::shared();
    let foreign = Foreign::connect(&broker.url()).await;
    full_queue(&foreign, "crowded.q", "crowded.events", "crowded.output").await;
    let transport = ground::transport(options(&broker.url(), "crowded"));
    let running = app::<(pass_on,)>("crowded", &transport).start().await.unwrap();
    let publisher = running.publisher().unwrap();
    for number in 0..40 {
        publisher.publish(&Input { number }).await.unwrap();
    }
    let depth = |queue: &str| broker.queue_depth(queue).unwrap_or_default();
    until("every input has come to its end", || depth("crowded.q") + depth("crowded.pass-on.dlq") >= 40).await;
    until("all are settled", || depth("crowded.pass-on") == 0).await;
    let dead = depth("crowded.pass-on.dlq");
    assert!(dead > 0, "ten find room, not {}", depth("crowded.q"));
    for _ in 0..dead {
        let letter = foreign.take("crowded.pass-on.dlq").await.delivery;
        let said = header(&letter.properties, "x-dead-letter-error");
        assert!(said.contains("refused") && said.contains("crowded.output"), "{said}");
        assert_eq!(header(&letter.properties, "x-dead-letter-attempts"), "2");
        assert_eq!(header(&letter.properties, "x-dead-letter-reason"), "max_retries_exceeded");
    }
    running.shutdown().await.unwrap();
}
