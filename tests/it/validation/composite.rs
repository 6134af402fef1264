//! Of one event handler among several: what it refuses the others still do, once.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use swit::{App, Event, State, event_handler, testing::TestApp};

use crate::support::Journal;

#[derive(Debug, Serialize, Deserialize, JsonSchema, Event)]
#[event(topic = "box.closed", version = 1)]
struct Closed {
    #[schemars(range(max = 30))]
    kilos: u32,
}

swit::composite!(boxes, strategy = parallel, topic = "box.closed", retries = 3);

#[event_handler(composite = boxes, order = 10, validate = schema)]
async fn carry(closed: Closed, journal: State<Journal>) {
    journal.note(format!("carried {}", closed.kilos));
}

fn has_a_weight(closed: &Closed) -> Result<(), &'static str> {
    if closed.kilos == 0 { Err("it weighs nothing") } else { Ok(()) }
}

#[event_handler(composite = boxes, order = 20, validate = has_a_weight)]
async fn bill(closed: Closed, journal: State<Journal>) {
    journal.note(format!("billed {}", closed.kilos));
}

#[event_handler(composite = boxes, order = 30)]
async fn count(_closed: Closed, journal: State<Journal>) {
    journal.note("counted");
}

#[tokio::test(start_paused = true)]
async fn what_one_handler_refuses_is_dead_with_its_place_and_the_others_did_theirs() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(boxes,)>().provide(journal.clone())).await.unwrap();
    for kilos in [0, 31, 7] {
        app.publish(&Closed { kilos }).await.unwrap();
        app.wait_quiet().await;
        journal.note("-");
    }
    let mut lines = journal.lines();
    for one in lines.split_mut(|line| line == "-") {
        one.sort_unstable();
    }
    assert_eq!(
        lines,
        ["carried 0", "counted", "-", "billed 31", "counted", "-", "billed 7", "carried 7", "counted", "-"]
    );
    let dead = app.dead_letters("boxes");
    assert!(dead.iter().all(|dead| dead.reason == "invalid_input" && dead.attempts == 1), "{dead:?}");
    let [nothing, heavy] = &*dead else { panic!("{dead:?}") };
    assert!(nothing.error.contains("`bill`") && nothing.error.contains("it weighs nothing"), "{}", nothing.error);
    assert!(heavy.error.contains("`carry`"), "{}", heavy.error);
    assert!(heavy.error.contains("/kilos: 31 is greater than the maximum of 30"), "{}", heavy.error);
    app.shutdown().await.unwrap();
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "box.opened", version = 1)]
struct Opened {}

impl JsonSchema for Opened {
    fn schema_name() -> Cow<'static, str> {
        panic!("it has no name")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({})
    }
}

swit::composite!(openings, strategy = sequential, topic = "box.opened");

#[event_handler(composite = openings, order = 10, validate = schema)]
async fn look(_opened: Opened) {}

#[test]
fn a_schema_that_can_not_be_made_is_a_fault_that_names_the_handler() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let faults = App::only::<(openings,)>().check().unwrap_err().faults;
    std::panic::set_hook(hook);
    let [fault] = &*faults else { panic!("{faults:?}") };
    assert_eq!(fault.message, "`look` can't validate by a JSON Schema: it panicked: it has no name");
}
