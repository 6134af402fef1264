//! Compressed bodies, end to end: decompressed before anybody reads them, within the limit, and dead-lettered as they
//! came where that can't be done.

use std::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use swit::{
    Ack, App, Compression, Context, DecompressError, Event, Message, Middleware, Next, Outcome, State, compression,
    subscriber, testing::TestApp,
};

use crate::support::{Journal, Task, keyed, task};

const COMPRESSIONS: [Compression; 4] = [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

fn compressed(task: &Task, compression: Compression) -> Message {
    let message = compression::encode(task.encode().unwrap(), compression).unwrap();
    assert_eq!(message.content_encoding.as_deref(), compression.content_encoding());
    message
}

fn long(text: &str) -> Task {
    task(text.repeat(500))
}

#[subscriber(topic = "task.created")]
async fn reads_tasks(task: Task, bytes: Bytes, journal: State<Journal>) {
    journal.note(format!("{} {}", task.text.len(), bytes.len()));
}

struct Sees(Journal);

impl Middleware for Sees {
    fn handle<'a>(&'a self, cx: &'a mut Context, next: Next<'a>) -> swit::transport::BoxFuture<'a, Outcome> {
        let message = cx.message();
        self.0.note(format!("sees {} {:?}", message.payload.len(), message.content_encoding));
        Box::pin(next.run(cx))
    }
}

#[tokio::test(start_paused = true)]
async fn middleware_and_handlers_see_what_was_compressed() {
    let journal = Journal::default();
    let app = App::only::<(reads_tasks,)>().provide(journal.clone()).middleware("sees", 0, Sees(journal.clone()));
    let app = TestApp::start(app).await.unwrap();
    for compression in COMPRESSIONS {
        app.publish_to("task.created", compressed(&long("ab"), compression)).await.unwrap();
    }
    // A character set is no compression, and stays.
    app.publish_to("task.created", task("x").encode().unwrap().with_content_encoding("UTF-8")).await.unwrap();
    app.wait_quiet().await;
    let expected: Vec<String> = (0..4).flat_map(|_| ["sees 1021 None".into(), "1000 1021".into()]).collect();
    assert_eq!(journal.lines(), [expected, vec!["sees 22 Some(\"UTF-8\")".into(), "1 22".into()]].concat());
    // What was published is compressed; the testing kit decodes it all the same.
    assert!(app.published_to("task.created")[0].payload.len() < 500);
    assert_eq!(app.published::<Task>().len(), 5);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_decompressed_is_dead_lettered_as_it_came() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(reads_tasks,)>().provide(journal.clone())).await.unwrap();
    let mut sent = Vec::new();
    for compression in COMPRESSIONS {
        let mut message = compressed(&long("ab"), compression);
        message.payload = message.payload.slice(..message.payload.len() - 3);
        sent.push(message);
    }
    sent.push(task("x").encode().unwrap().with_content_encoding("br"));
    sent.push(task("x").encode().unwrap().with_content_encoding("gzip, zstd"));
    // Said, but not done.
    sent.push(task("x").encode().unwrap().with_content_encoding("gzip"));
    for message in sent.clone() {
        app.publish_to("task.created", message).await.unwrap();
    }
    app.publish(&task("fine")).await.unwrap();
    app.wait_quiet().await;
    let dead = app.dead_letters("reads-tasks");
    assert_eq!(dead.len(), sent.len());
    for (letter, sent) in dead.iter().zip(&sent) {
        assert_eq!((letter.reason.as_str(), letter.attempts), ("invalid_input", 0), "no attempt was made at it");
        assert_eq!(letter.message.payload, sent.payload);
        assert_eq!(letter.message.content_encoding, sent.content_encoding);
        assert_eq!(letter.message.content_type, sent.content_type);
    }
    assert!(dead[0].error.starts_with("the body is no `gzip`"), "{}", dead[0].error);
    assert!(dead[4].error.contains("`br`") && dead[4].error.contains("known: gzip"), "{}", dead[4].error);
    assert!(app.calls("reads-tasks").len() == 1 && journal.lines() == ["4 25"]);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", retries = 2, backoff = fixed("100ms"))]
async fn fails(task: Task, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note(task.text.len().to_string());
    Err(std::io::Error::other("no"))
}

#[subscriber(topic = "task.created", retries = 1, backoff = fixed("1m"))]
async fn fails_slowly(task: Task, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note(task.text.len().to_string());
    Err(std::io::Error::other("no"))
}

#[subscriber(topic = "task.created", retries = 1, backoff = fixed("1s"), order_by = key, concurrency = 2)]
async fn fails_in_order(task: Task, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note(task.text.len().to_string());
    Err(std::io::Error::other("no"))
}

/// Parked, delayed by the transport, and in place.
#[tokio::test(start_paused = true)]
async fn every_attempt_reads_it_and_every_copy_is_as_it_came() {
    let journal = Journal::default();
    let app = App::only::<(fails, fails_slowly, fails_in_order)>().provide(journal.clone());
    let app = TestApp::start(app).await.unwrap();
    let sent = compressed(&long("abc"), Compression::Zstd);
    app.publish_to("task.created", sent.clone()).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["1500"; 7]);
    for subscriber in ["fails", "fails-slowly", "fails-in-order"] {
        let dead = app.dead_letters(subscriber);
        assert_eq!((dead.len(), dead[0].reason.as_str()), (1, "max_retries_exceeded"), "{subscriber}");
        assert_eq!(dead[0].message.payload, sent.payload, "{subscriber}");
        assert_eq!(dead[0].message.content_encoding, sent.content_encoding, "{subscriber}");
    }
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", concurrency = 1)]
async fn alternates(task: Task, bytes: Bytes, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note(format!("{} {}", task.key, bytes.len()));
    if task.key == "fails" { Err(std::io::Error::other("no")) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn a_message_never_sees_the_body_of_the_one_before() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(alternates,)>().provide(journal.clone())).await.unwrap();
    let long = |key| compressed(&keyed(key, "x".repeat(1_000)), Compression::Lz4);
    app.publish_to("task.created", long("a")).await.unwrap();
    app.publish(&keyed("b", "x")).await.unwrap();
    app.publish_to("task.created", long("fails")).await.unwrap();
    app.publish(&keyed("c", "x")).await.unwrap();
    app.wait_quiet().await;
    let lines = journal.lines();
    assert_eq!((lines[0].as_str(), lines[1].as_str(), lines[3].as_str()), ("a 1021", "b 22", "c 22"));
    assert!(lines[2..].iter().filter(|line| *line == "fails 1025").count() > 1);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", ack = "manual", retries = 1)]
async fn settles(task: Task, ack: Ack) {
    match task.key.as_str() {
        "k" => ack.ack(),
        "retry" => ack.retry(Duration::from_secs(5)).await.unwrap_or_default(),
        reason => ack.dead_letter(reason.to_owned()).await,
    }
}

#[subscriber(topic = "task.created", ack = "none")]
async fn at_most_once(task: Task, journal: State<Journal>) {
    journal.note(task.text.len().to_string());
}

#[tokio::test(start_paused = true)]
async fn who_settles_by_hand_settles_what_came() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(settles, at_most_once)>().provide(journal.clone())).await.unwrap();
    let sent = ["k", "retry", "spoilt"].map(|key| compressed(&keyed(key, "x".repeat(900)), Compression::Gzip));
    for message in sent.clone() {
        app.publish_to("task.created", message).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["900"; 3]);
    let dead = app.dead_letters("settles");
    let mut reasons: Vec<&str> = dead.iter().map(|letter| letter.reason.as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["max_retries_exceeded", "spoilt"]);
    assert!(dead.iter().all(|letter| sent.iter().any(|sent| sent.payload == letter.message.payload)));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_configured_and_exact() {
    let journal = Journal::default();
    let app = App::only::<(reads_tasks,)>().provide(journal.clone()).set("limits.decompressed", 1_021);
    let app = TestApp::start(app).await.unwrap();
    for compression in COMPRESSIONS {
        app.publish_to("task.created", compressed(&long("ab"), compression)).await.unwrap();
        app.publish_to("task.created", compressed(&task("x".repeat(1_001)), compression)).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["1000 1021"; 4]);
    let dead = app.dead_letters("reads-tasks");
    assert_eq!(dead.len(), 4);
    assert!(dead.iter().all(|letter| letter.error.contains("larger than 1021 bytes")), "{}", dead[0].error);
    app.shutdown().await.unwrap();
}

const LIMIT: usize = 1 << 20;

/// 10 GiB, really: no size in the header, then blocks of one byte, repeated 128 Ki times each.
fn zstd_bomb() -> Bytes {
    let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68];
    for block in (0..10 * 1024 * 8).rev() {
        let header = ((128 * 1024) << 3) | (1 << 1) | u32::from(block == 0);
        bomb.extend_from_slice(&header.to_le_bytes()[..3]);
        bomb.push(0);
    }
    bomb.into()
}

/// As much as the format gives of one body within the limit on payloads: some 300 MiB.
fn snappy_bomb() -> Bytes {
    let stream = Compression::Snappy.compress(&vec![0; 65_536].into()).unwrap();
    let (identifier, chunk) = stream.split_at(10);
    [identifier, &chunk.repeat((16 << 20) / chunk.len() - 1)].concat().into()
}

/// The blocks of 4 MiB of zeros, over and over, without a size in the header.
fn lz4_bomb() -> Bytes {
    let frame = Compression::Lz4.compress(&vec![0; 4 << 20].into()).unwrap();
    // Magic, flags, block sizes, size, checksum of the header; blocks; end mark and checksum of the content.
    let blocks = &frame[15..frame.len() - 8];
    // The same without sizes and checksums, whose header has a known checksum for each size of blocks.
    let header: [u8; 7] = match frame[5] {
        0x40 => [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82],
        0x50 => [0x04, 0x22, 0x4d, 0x18, 0x60, 0x50, 0xfb],
        0x60 => [0x04, 0x22, 0x4d, 0x18, 0x60, 0x60, 0x51],
        _ => [0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73],
    };
    [&header[..], &blocks.repeat(100)].concat().into()
}

fn gzip_bomb() -> Bytes {
    // Members follow each other, and each has its own size.
    Compression::Gzip.compress(&vec![0; 4 << 20].into()).unwrap().repeat(100).into()
}

fn bombs() -> [(Compression, Bytes, usize); 4] {
    // The last is what the decoder itself needs in memory that is counted here; that of Zstandard is not.
    [
        (Compression::Gzip, gzip_bomb(), 256 << 10),
        (Compression::Snappy, snappy_bomb(), 512 << 10),
        (Compression::Lz4, lz4_bomb(), 13 << 20),
        (Compression::Zstd, zstd_bomb(), 256 << 10),
    ]
}

#[test]
fn a_bomb_takes_no_more_than_the_limit_and_a_buffer() {
    for (compression, bomb, buffer) in bombs() {
        let mut answer = None;
        let used = measure(|| answer = Some(compression.decompress(&bomb, LIMIT)));
        let answer = answer.unwrap();
        assert!(
            matches!(answer, Err(DecompressError::TooLarge { limit: LIMIT, .. })),
            "{compression}: {:?}",
            answer.map(|body| body.len())
        );
        assert!(used.bytes_max <= (LIMIT + buffer) as u64, "{compression} took {} bytes", used.bytes_max);
        assert!(bomb.len() <= 16 << 20, "it would come through: {}", bomb.len());
    }
    // What is large and allowed is there once, in one piece.
    for (compression, _, buffer) in bombs() {
        let small = compression.compress(&vec![7; LIMIT].into()).unwrap();
        let used = measure(|| assert_eq!(compression.decompress(&small, LIMIT).unwrap().len(), LIMIT));
        assert!(used.bytes_max <= (LIMIT + buffer) as u64, "{compression} took {} bytes", used.bytes_max);
    }
}

#[tokio::test(start_paused = true)]
async fn bombs_are_dead_lettered_at_the_first_attempt() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(reads_tasks,)>().provide(journal.clone())).await.unwrap();
    // Claimed: 10 GiB in the header, and next to nothing after it.
    let claim = [&[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..], &(10_u64 << 30).to_le_bytes(), &[1, 0, 0]].concat();
    let all = bombs().map(|(compression, bomb, _)| (compression, bomb)).into_iter();
    let all: Vec<_> = all.chain([(Compression::Zstd, claim.into())]).collect();
    for (compression, bomb) in all.clone() {
        let message = Message::new("", bomb).with_content_encoding(compression.content_encoding().unwrap());
        app.publish_to("task.created", message).await.unwrap();
    }
    app.publish(&task("fine")).await.unwrap();
    app.wait_quiet().await;
    let dead = app.dead_letters("reads-tasks");
    assert_eq!(dead.len(), all.len());
    for (letter, (compression, bomb)) in dead.iter().zip(all) {
        assert_eq!((letter.reason.as_str(), letter.message.payload.len()), ("invalid_input", bomb.len()));
        assert!(letter.error.contains("larger than 16777216 bytes"), "{compression}: {}", letter.error);
    }
    assert_eq!(journal.lines(), ["4 25"]);
    app.shutdown().await.unwrap();
}
