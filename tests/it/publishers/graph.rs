//! Publishers in the start-up report and in the picture.

use swit::{App, Message, MessageId, PublishError, PublishNext, Publisher, middleware, publisher, subscriber};

use super::{Note, takes_notes};
use crate::support::Task;

#[publisher(event = Note, name = "twice")]
struct OnePublisher;

#[publisher(event = Note, name = "twice", transport = "nowhere")]
struct OtherPublisher;

#[publisher(event = Note, async, batch)]
struct DrawnPublisher;

#[subscriber]
async fn takes_both(_task: Task, _one: Publisher<OnePublisher>, _other: Publisher<OtherPublisher>) {}

#[subscriber]
async fn takes_one(_task: Task, _drawn: Publisher<DrawnPublisher>) {}

#[middleware(publish, only = ["twise"])]
async fn around_nobody(message: &mut Message, next: PublishNext<'_>) -> Result<MessageId, PublishError> {
    next.run(message).await
}

#[test]
fn faults_of_publishers_are_in_the_report() {
    let app = App::only::<(takes_both, takes_one)>()
        .with_publish_middleware::<around_nobody>()
        .set("publisher.drawn.capacity", 0)
        .set("publisher.drawn.enabled", false)
        .set("publisher.drawm.confirm", "5s")
        .set("middleware.around-nobody.except", vec!["takes-both".to_owned()]);
    let text = app.check().unwrap_err().to_string();
    for expected in [
        "the publisher `twice` was already registered at tests/it/publishers/graph.rs:",
        "publisher `twice`: there is no transport `nowhere`",
        "`publisher.drawn.capacity`: 0 is not between 1 and 1000000",
        "builder: `publisher.drawn.enabled`: there is no key `enabled`",
        "builder: there is no publisher `drawm`",
        "did you mean `drawn`?",
        "`middleware.around-nobody.except`: there is no publisher `takes-both`",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
}

#[test]
fn a_whole_service_names_publishers_that_there_are() {
    let report = App::new().without_environment().check().unwrap_err().to_string();
    assert!(report.contains("the middleware `around-nobody` names the publisher `twise`, which there is none of"));
    assert!(report.contains("did you mean `twice`?"), "{report}");
}

#[test]
fn publishers_are_drawn_with_who_takes_them() {
    let graph = App::only::<(takes_one, takes_notes)>().check().unwrap();
    let mermaid = graph.view().mermaid();
    for expected in [
        "p_drawn[/\"drawn<br/>async, capacity 1000<br/>batch of 100<br/>tests/it/publishers/graph.rs:",
        "s_takes_2d_one --- p_drawn",
        "p_drawn -->|publishes| t_note_2e_written",
    ] {
        assert!(mermaid.contains(expected), "{expected:?} is not in:\n{mermaid}");
    }
    assert!(graph.view().dot().contains("\"s_takes_2d_one\" -> \"p_drawn\" [dir=none];"));
}
