//! What is counted of publishing.

use serde::{Deserialize, Serialize};
use swit::{App, Event, Message, Publisher, PublisherConfig, publisher, subscriber, testing::TestApp};

use super::page::Page;
use crate::support::{Task, task};

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "metered.ping", unrouted = "error")]
struct Ping {
    n: u32,
}

#[publisher(event = Ping, name = "metered-pings", batch(messages = 3, bytes = "1MiB", every = "1s"))]
struct Pings;

#[subscriber(name = "metered-echo", topic = "task.created")]
async fn echo(_event: Task) {}

#[subscriber(name = "metered-pinged", topic = "metered.ping")]
async fn pinged(_event: Ping) {}

#[tokio::test(start_paused = true)]
async fn publications_are_counted_by_topic_and_by_what_came_of_them() {
    let app = TestApp::start(App::only::<(echo,)>().service("test", "1").with_publisher::<Pings>()).await.unwrap();
    for _ in 0..20 {
        app.publish(&task("x")).await.unwrap();
    }
    app.publish(&Ping { n: 1 }).await.unwrap_err();
    app.publish_to("nobody.knows.this", Message::new("", "x")).await.unwrap();
    app.publish_to("not a topic", Message::new("", "x")).await.unwrap_err();
    let page = Page::of(&app).await;
    assert_eq!(
        page.of_family("messages_published_total"),
        [
            "{topic=\"metered.ping\",status=\"error\"} 1",
            "{topic=\"other\",status=\"error\"} 1",
            "{topic=\"other\",status=\"success\"} 1",
            "{topic=\"task.created\",status=\"success\"} 20",
        ]
    );
    assert_eq!(
        page.of_family("publish_errors_total"),
        ["{topic=\"metered.ping\",kind=\"unrouted\"} 1", "{topic=\"other\",kind=\"invalid\"} 1"]
    );
    assert_eq!(page.of_family("messages_unrouted_total"), ["{topic=\"metered.ping\"} 1", "{topic=\"other\"} 1"]);
    let measured = page.value("publish_duration_seconds_count{topic=\"task.created\"}");
    assert!((13.0..=20.0).contains(&measured), "{measured}");
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_is_made_later_has_its_topics_counted_by_name() {
    let app = TestApp::start(App::only::<(echo,)>().service("test", "1")).await.unwrap();
    let partner = app.running().handle().publisher(PublisherConfig::new("metered-partner")).unwrap();
    for n in 0..1_000 {
        partner.publish_to(format!("partner.topic-{n}"), Message::new("", "x")).await.unwrap();
        app.publish_to(&format!("nobody.topic-{n}"), Message::new("", "x")).await.unwrap();
    }
    let published = Page::of(&app).await.of_family("messages_published_total");
    assert_eq!(published.len(), 101);
    assert!(published.contains(&"{topic=\"partner.topic-99\",status=\"success\"} 1".to_owned()), "{published:?}");
    assert!(published.contains(&"{topic=\"other\",status=\"success\"} 1900".to_owned()), "{published:?}");
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_measured_and_batches_have_sizes() {
    let app = TestApp::start(App::only::<(pinged,)>().service("test", "1").with_publisher::<Pings>()).await.unwrap();
    let publisher: Publisher<Pings> = app.running().publisher_of().unwrap();
    let sent: Vec<_> = (0..5).map(|n| publisher.publish(&Ping { n })).collect();
    for sent in sent {
        sent.await.unwrap();
    }
    let page = Page::of(&app).await;
    let topic = "topic=\"metered.ping\"";
    assert_eq!(page.value(&format!("messages_published_total{{{topic},status=\"success\"}}")), 5.0);
    let at_most = |bound: &str| page.value(&format!("publish_batch_size_bucket{{{topic},le=\"{bound}\"}}"));
    assert_eq!((at_most("1"), at_most("2"), at_most("4")), (0.0, 1.0, 2.0));
    assert_eq!(page.value(&format!("publish_batch_size_sum{{{topic}}}")), 5.0);
    let at_most = |bound: &str| page.value(&format!("publish_duration_seconds_bucket{{{topic},le=\"{bound}\"}}"));
    // Three went out at once, two after a second.
    assert_eq!((at_most("0.512"), at_most("1.024")), (3.0, 5.0));
}
