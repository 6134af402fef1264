//! The middleware that comes with swit, and rate limits, on a broker as in memory.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use swit::{
    Event, Extension, Message, MessageId, Publish, State,
    middlewares::{
        Authentication, Claims, Correlation, CorrelationId, Deduplication, MokaCache, TokenError, TokenValidator,
    },
    subscriber,
    transport::{BoxFuture, Publication},
};
use swit_testbed::Broker;
use tokio::time::Instant;

use crate::ground::{self, Foreign, Tally, app, header, options, until};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "guarded.work", version = 1)]
struct Work {
    name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "guarded.answer", version = 1)]
struct Answer {
    name: String,
}

/// Knows one token.
struct Doorman;

impl TokenValidator for Doorman {
    fn validate<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Claims, TokenError>> {
        Box::pin(async move {
            if token != "s3cr3t" {
                return Err(TokenError::Refused("its token is unknown"));
            }
            let serde_json::Value::Object(claims) = serde_json::json!({"sub": "ada"}) else { unreachable!() };
            Ok(claims.into())
        })
    }
}

#[subscriber(topic = "guarded.work", retries = 3, backoff = fixed("2s"))]
async fn serve(work: Work, claims: Extension<Claims>, tally: State<Tally>) -> Result<Publish<Answer>, std::io::Error> {
    let times = tally.add(format!("{} {}", claims.0.subject().unwrap_or_default(), work.name));
    if work.name == "again" && times == 1 {
        Err(std::io::Error::other("once"))
    } else {
        Ok(Publish(Answer { name: work.name }))
    }
}

#[subscriber(topic = "guarded.answer")]
async fn listen(answer: Answer, id: Extension<CorrelationId>, tally: State<Tally>) {
    tally.add(format!("{} {}", answer.name, id.0));
}

/// Who has no token is a dead letter, who comes twice is done once, who is tried again is no duplicate, also where the retry
/// went through the broker; and one correlation id goes with all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guards_hold_on_a_broker() {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), "guarded"));
    let tally = Arc::new(Tally::default());
    let running = app::<(serve, listen)>("guarded", &transport)
        .provide_shared(tally.clone())
        .middleware("correlate", 0, Correlation::new())
        .middleware("authenticate", 10, Authentication::bearer(Doorman))
        .middleware("deduplicate", 20, Deduplication::new(MokaCache::new(1_000)))
        .set("middleware.authenticate.only", vec!["serve"])
        .start()
        .await
        .unwrap();
    let send = async |name: &str, id: &str, token: Option<&str>| {
        let body = serde_json::to_vec(&Work { name: name.to_owned() }).unwrap();
        let message = Message::new("guarded.work", body).with_id(MessageId::parse(id).unwrap());
        let mut message = message.with_header("x-correlation-id", format!("of-{name}"));
        if let Some(token) = token {
            message = message.with_header("authorization", format!("Bearer {token}"));
        }
        transport.publisher().publish(Publication::new(message)).await.unwrap();
    };
    send("good", "1", Some("s3cr3t")).await;
    send("bad", "2", Some("guessed")).await;
    send("none", "3", None).await;
    send("again", "4", Some("s3cr3t")).await;
    until("all have ended", || tally.all().contains_key("again of-again") && tally.all().contains_key("good of-good"))
        .await;
    send("good", "1", Some("s3cr3t")).await;
    until("the duplicate is done with", || broker.queue_depth("guarded.serve") == Some(0)).await;
    let expected = [("ada again", 2), ("ada good", 1), ("again of-again", 1), ("good of-good", 1)];
    let expected = expected.map(|(name, times)| (name.to_owned(), times));
    assert_eq!(tally.all().into_iter().collect::<Vec<_>>(), expected);
    let foreign = Foreign::connect(&broker.url()).await;
    for _ in 0..2 {
        let letter = foreign.take("guarded.serve.dlq").await.delivery;
        assert_eq!(header(&letter.properties, "x-dead-letter-reason"), "unauthorized");
        assert!(!header(&letter.properties, "x-dead-letter-error").contains("guessed"), "the error does not tell it");
    }
    assert_eq!(broker.queue_depth("guarded.serve.dlq"), Some(0));
    running.shutdown().await.unwrap();
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "limited.work", version = 1)]
struct Limited {
    number: usize,
}

#[subscriber(topic = "limited.work", concurrency = 8, rate_limit(per_second = 50, burst = 5))]
async fn limited(work: Limited, tally: State<Tally>) {
    tally.add(work.number.to_string());
}

/// So many a second and no more; the rest stays in the queue, and none is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limit_holds_on_a_broker() {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), "limited"));
    let tally = Arc::new(Tally::default());
    let running = app::<(limited,)>("limited", &transport).provide_shared(tally.clone()).start().await.unwrap();
    let began = Instant::now();
    let works: Vec<Limited> = (0..155).map(|number| Limited { number }).collect();
    for answer in running.publisher().unwrap().publish_all(&works).await {
        answer.unwrap();
    }
    until("all are done", || tally.len() == 155 && broker.queue_depth("limited.limited") == Some(0)).await;
    assert!(began.elapsed() >= Duration::from_secs(3), "150 of them at 50 a second: {:?}", began.elapsed());
    assert_eq!((tally.total(), running.stats()[0].counts.attempts), (155, 155));
    running.shutdown().await.unwrap();
}
