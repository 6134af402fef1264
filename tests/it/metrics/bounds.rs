//! However many topics and error texts there are, the series stay as many as they were.

use swit::{App, Message, Outcome, subscriber, testing::TestApp};

use super::page::Page;

#[subscriber(name = "metered-many", topic = "many.#", retries = 0)]
async fn many(event: swit::Headers, message: bytes::Bytes) -> Outcome {
    drop(event);
    let text = String::from_utf8_lossy(&message).into_owned();
    if text.starts_with('r') { Outcome::dead_letter(text) } else { Outcome::fail(text) }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_topics_and_error_texts_add_no_series() {
    let app = TestApp::start(App::only::<(many,)>().service("test", "1")).await.unwrap();
    let before = Page::of(&app).await;
    for n in 0..100_000 {
        let text = if n % 2 == 0 { format!("error {n}") } else { format!("reason {n}") };
        app.publish_to(&format!("many.{n}"), Message::new("", text)).await.unwrap();
        if n % 1_000 == 0 {
            app.wait_quiet().await;
        }
    }
    app.wait_quiet().await;
    let after = Page::of(&app).await;
    assert_eq!(
        before.values.keys().collect::<Vec<_>>(),
        after.values.keys().collect::<Vec<_>>(),
        "series have been added"
    );
    assert_eq!(after.of_family("messages_published_total"), ["{topic=\"other\",status=\"success\"} 100000"]);
    assert_eq!(
        after.of_family("dead_letter_messages_total"),
        ["{topic=\"many.#\",reason=\"custom\"} 50000", "{topic=\"many.#\",reason=\"max_retries_exceeded\"} 50000"]
    );
}
