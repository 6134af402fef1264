//! Order: per subscription and per key, also while something is retried.

use std::collections::HashMap;

use swit::{App, Message, Metadata, State, subscriber, testing::TestApp};

use crate::support::{Journal, Task, keyed, task};

#[subscriber(topic = "task.created", ordered, retries = 2, backoff = fixed("10s"))]
async fn in_order(task: Task, meta: Metadata, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note(task.text.clone());
    if task.text == "2" && meta.attempt < 3 { Err(std::io::Error::other("again")) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn an_ordered_subscription_retries_in_place() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(in_order,)>().provide(journal.clone())).await.unwrap();
    for n in 1..=4 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["1", "2", "2", "2", "3", "4"]);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", order_by = key, concurrency = 4, retries = 3, backoff = fixed("1s"))]
async fn in_order_of_keys(task: Task, meta: Metadata, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note(format!("{} {}", task.key, task.text));
    tokio::task::yield_now().await;
    if task.text == "3" && meta.attempt == 1 { Err(std::io::Error::other("again")) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn keys_keep_their_order_and_only_the_waiting_lane_waits() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(in_order_of_keys,)>().provide(journal.clone())).await.unwrap();
    for n in 0..50 {
        for key in ["a", "b", "c", "d", "e", "f", "g"] {
            app.publish(&keyed(key, n.to_string())).await.unwrap();
        }
    }
    app.wait_quiet().await;
    let mut by_key: HashMap<String, Vec<u32>> = HashMap::new();
    for line in journal.lines() {
        let (key, n) = line.split_once(' ').unwrap();
        by_key.entry(key.to_owned()).or_default().push(n.parse().unwrap());
    }
    assert_eq!(by_key.len(), 7);
    for (key, seen) in by_key {
        let mut expected: Vec<u32> = (0..50).collect();
        expected.insert(3, 3);
        assert_eq!(seen, expected, "{key}: each once, and 3 twice in its place");
    }
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", order_by = header("x-tenant"), concurrency = 3)]
async fn in_order_of_tenants(task: Task, headers: swit::Headers, journal: State<Journal>) {
    let tenant = headers.get_str("x-tenant").unwrap_or("none").to_owned();
    // Odd ones give way: without lanes the next would overtake.
    for _ in 0..task.text.len() % 3 {
        tokio::task::yield_now().await;
    }
    journal.note(format!("{tenant} {}", task.text));
}

#[tokio::test(start_paused = true)]
async fn a_header_may_say_what_belongs_together() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(in_order_of_tenants,)>().provide(journal.clone())).await.unwrap();
    for n in 0..200 {
        let payload = serde_json::to_vec(&task(n.to_string())).unwrap();
        let mut message = Message::new("", payload);
        if n % 4 != 0 {
            message = message.with_header("x-tenant", format!("t{}", n % 4));
        }
        app.publish_to("task.created", message).await.unwrap();
    }
    app.wait_quiet().await;
    for tenant in ["none", "t1", "t2", "t3"] {
        let lines = journal.lines();
        let seen: Vec<u32> =
            lines.iter().filter_map(|l| l.strip_prefix(tenant)).map(|n| n.trim().parse().unwrap()).collect();
        assert_eq!(seen.len(), 50, "{tenant}");
        assert!(seen.is_sorted(), "{tenant}: {seen:?}");
    }
    app.shutdown().await.unwrap();
}
