//! What start-up says of composites and their handlers.

use swit::{App, Codec, Event, State, event_handler};

use super::{StepError, at_once};
use crate::support::Task;

swit::composite!(childless, strategy = parallel, topic = "task.created");

swit::composite!(crowded, strategy = parallel, topic = "task.created");

swit::composite!(quarrels, name = "quarrel", strategy = sequential, topic = "task.created");

#[event_handler(composite = quarrels, order = 7)]
async fn quarrels_first(_task: Task) {}

#[event_handler(composite = quarrels, order = 7)]
async fn quarrels_second(_task: Task) {}

#[event_handler(composite = quarrels, order = 8, name = "quarrels-first")]
async fn quarrels_third(_task: Task) {}

struct Unprovided;

swit::composite!(
    by_name_only,
    name = "told-by-name",
    strategy = fail_fast,
    topic = "task.created",
    codec = "json",
    event = "Task"
);

/// Stands where the composite is not known.
mod elsewhere {
    use serde::{Deserialize, Serialize};
    use swit::{Event, State, event_handler};

    use super::Unprovided;
    use crate::support::Task;

    #[derive(Debug, Serialize, Deserialize, Event)]
    #[event(topic = "other.created", version = 1, codecs = ["msgpack"])]
    pub(super) struct Other {
        id: u32,
    }

    #[event_handler(composite = "told-by-name", order = 1)]
    async fn takes_another(other: Other) {
        let _ = other.id;
    }

    #[event_handler(composite = "told-by-name", order = 2)]
    async fn takes_the_right_one(_task: Task, _unprovided: State<Unprovided>) {}

    #[event_handler(composite = "told-by-nam", order = 3)]
    async fn is_an_orphan(_task: Task) {}

    #[event_handler(composite = "named-as-a-subscriber", order = 4)]
    async fn is_owned_by_a_subscriber(_task: Task) {}

    #[swit::subscriber(topic = "task.created")]
    async fn named_as_a_subscriber(_task: Task) {}
}

macro_rules! crowd {
    ($($name:ident $order:literal)*) => { $(
        #[event_handler(composite = crowded, order = $order)]
        async fn $name(_task: Task) {}
    )* };
}
crowd! {
    c1 1 c2 2 c3 3 c4 4 c5 5 c6 6 c7 7 c8 8 c9 9 c10 10 c11 11 c12 12 c13 13 c14 14 c15 15 c16 16 c17 17 c18 18 c19 19 c20 20
    c21 21 c22 22 c23 23 c24 24 c25 25 c26 26 c27 27 c28 28 c29 29 c30 30 c31 31 c32 32 c33 33 c34 34 c35 35 c36 36 c37 37
    c38 38 c39 39 c40 40 c41 41 c42 42 c43 43 c44 44 c45 45 c46 46 c47 47 c48 48 c49 49 c50 50 c51 51 c52 52 c53 53 c54 54
    c55 55 c56 56 c57 57 c58 58 c59 59 c60 60 c61 61 c62 62 c63 63 c64 64 c65 65
}

/// The faults of an app without their places, each with its help behind it.
fn faults(app: &App) -> Vec<String> {
    let report = app.check().expect_err("it does not start");
    report.faults.iter().map(|fault| format!("{}; {}", fault.message, fault.help)).collect()
}

#[test]
fn a_composite_has_handlers() {
    assert_eq!(
        faults(&App::only::<(childless,)>()),
        [
            "the composite `childless` has no event handlers; write `#[event_handler(composite = childless, order = 10)]` on a \
          function; if it is in a library crate, name that crate in the binary: `swit::handlers!(orders);`"
        ]
    );
}

#[test]
fn a_composite_has_not_too_many() {
    assert_eq!(
        faults(&App::only::<(crowded,)>()),
        [
            "the composite `crowded` has 65 event handlers; 64 is the most; divide them among several composites of the same topic"
        ]
    );
}

#[test]
fn no_order_and_no_name_is_there_twice() {
    let report = App::only::<(quarrels,)>().check().expect_err("it does not start");
    assert_eq!(report.faults.len(), 2);
    let text = report.to_string();
    for expected in [
        "the event handlers `quarrels-second` and `quarrels-first` (tests/it/composite/graph.rs:",
        ") of the composite `quarrel` have the same order, 7",
        "give one of them another `order`",
        "the composite `quarrel` has the event handler `quarrels-first` already, at tests/it/composite/graph.rs:",
        "give one of them another `name = \"…\"`",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
    assert!(report.faults.iter().all(|fault| fault.location.starts_with("tests/it/composite/graph.rs:")));
}

#[test]
fn handlers_of_a_composite_by_name_are_held_to_it() {
    let app = App::only::<(by_name_only,)>();
    assert_eq!(
        faults(&app),
        [
            "the event handler `takes-another` takes `Other` of topic \"other.created\", but its composite `told-by-name` \
             subscribes to \"task.created\"; add the event's topic to the composite, or move the handler to another one",
            "the composite `told-by-name` reads \"json\", which the event `Other` of its handler `takes-another` does not \
             accept; add the codec to `#[event(codecs = …)]`",
            "the event handler `takes-another` never runs: its composite `told-by-name` takes only messages of the event type \
             \"Task\"; take an event of that type, or move the handler to another composite",
            "`takes_the_right_one` takes `State<it::composite::graph::Unprovided>`, which nothing provides; \
             write a `#[provider]` that returns `Result<it::composite::graph::Unprovided, _>`, or call `App::provide`",
        ]
    );
    assert_eq!(<elsewhere::Other as Event>::DESCRIPTORS[0].codecs, [Codec::MsgPack]);
}

#[test]
fn a_handler_whose_composite_is_not_there_is_a_fault_of_the_whole() {
    // Everything that this test binary links is one service.
    let report = App::new().without_environment().check().expect_err("it has faults");
    let text = report.to_string();
    for expected in [
        "`is-an-orphan` is an event handler of the composite `told-by-nam`, which there is none of",
        "did you mean `told-by-name`?",
        "`is-owned-by-a-subscriber` is an event handler of `named-as-a-subscriber`, which is a subscriber and no composite",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
}

#[test]
fn configured_topics_are_held_to_the_handlers_events() {
    let app = App::only::<(at_once,)>()
        .provide(super::Script::default())
        .set("subscriber.at-once.topics", vec!["other.*".to_owned()]);
    let found = faults(&app);
    assert_eq!(found.len(), 3, "one a handler: {found:?}");
    assert!(found[0].contains("but its composite `at-once` subscribes to \"other.*\""), "{found:?}");
}

#[derive(Debug, serde::Serialize, serde::Deserialize, Event)]
#[event(topic = "task.archived", version = 1)]
struct Archived {}

swit::composite!(without_topics, strategy = best_effort);

#[event_handler(composite = without_topics, order = -10)]
async fn takes_archived(_archived: Archived) -> Result<swit::Publish<Archived>, StepError> {
    Ok(swit::Publish(Archived {}))
}

#[event_handler(composite = without_topics, order = -20)]
async fn takes_created(_task: Task, _state: State<Unprovided>) {}

#[test]
fn a_composite_is_drawn_with_its_handlers_in_their_order() {
    let graph = App::only::<(without_topics,)>().provide(Unprovided).check().unwrap();
    let view = graph.view();
    let subscriber = &view.subscribers[0];
    assert_eq!(subscriber.topics, ["task.archived", "task.created"], "those of its handlers' events");
    assert_eq!(subscriber.strategy.as_deref(), Some("best_effort"));
    let handlers: Vec<_> = subscriber.event_handlers.iter().map(|handler| (handler.order, &*handler.name)).collect();
    assert_eq!(handlers, [(-20, "takes-created"), (-10, "takes-archived")]);
    assert_eq!(subscriber.emits, ["task.archived"]);
    let mermaid = view.mermaid();
    assert!(mermaid.contains("best#95;effort<br/>-20 takes-created<br/>-10 takes-archived"), "{mermaid}");
    let dot = view.dot();
    assert!(dot.contains(r"best_effort\n-20 takes-created\n-10 takes-archived"), "{dot}");
}
