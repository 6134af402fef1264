//! Instances listed, shown and changed.

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::{store::Sagas as _, stores::MemoryStore};

const NOW: SystemTime = UNIX_EPOCH;

fn pending(key: &str) -> Instance {
    Instance {
        saga: "place-order".into(),
        key: key.into(),
        id: format!("id-{key}").into(),
        version: 2,
        revision: 0,
        state: SagaState::Pending,
        owner: Text::default(),
        waits: None,
        due: Some(NOW + Duration::from_mins(1)),
        parked: None,
        wish: None,
        opening: r#"{"input":{"order":7,"note":"a\u001b[2J"},"correlation":"c-1","deadline":60000000}"#.into(),
        journal: r#"{"at":"reserve","rests":true,"done":[]}"#.into(),
        started_at: NOW,
        updated_at: NOW,
    }
}

async fn start(store: &MemoryStore, instance: &Instance) {
    let mut work = store.begin().await.unwrap();
    assert!(work.start_saga(instance).await.unwrap());
    work.commit().await.unwrap();
}

/// Of every kind one: due, run, waiting, parked where it can't be undone, over, and one that nobody can read.
async fn filled() -> MemoryStore {
    let store = MemoryStore::new();
    let undone = r#"{"at":"pay","failures":4,"cause":"failed","error":"no\nbank",
        "failed":{"step":"ship","reason":"permanent","error":"no\nship"},"done":[
        {"step":"reserve","output":{"id":1}},{"step":"note","output":null,"undone":true},{"step":"pay"}]}"#;
    let instances = [
        pending("due"),
        Instance { owner: "host-1".into(), due: None, state: SagaState::Running, ..pending("run") },
        Instance { waits: Some("paid".into()), state: SagaState::StepCompleted, ..pending("waiting") },
        Instance {
            state: SagaState::Failed,
            parked: Some("`pay` can't be undone: no\u{202e} bank".into()),
            due: None,
            journal: undone.into(),
            ..pending("parked")
        },
        Instance { state: SagaState::Completed, due: None, journal: r#"{"done":[]}"#.into(), ..pending("over") },
        Instance { saga: "odd".into(), journal: "{".into(), ..pending("unreadable") },
    ];
    for instance in &instances {
        start(&store, instance).await;
    }
    store
}

async fn said(store: &dyn Store, command: SagaCommand) -> String {
    match (Desk { store, linked: vec!["place-order"], now: NOW }).of(command).await {
        Ok(text) => text,
        Err(Refused::Usage(text)) => format!("refused: {text}"),
        Err(Refused::Store(error)) => panic!("{error}"),
    }
}

fn of(key: &str) -> SagaInstance {
    SagaInstance { saga: "place-order".into(), key: key.into() }
}

fn list(filter: SagaFilter, limit: u64) -> SagaCommand {
    SagaCommand::List { filter, limit, json: false }
}

#[tokio::test]
async fn a_list_says_of_each_where_it_is_and_who_goes_on_with_it() {
    let store = filled().await;
    let odd = "odd  unreadable  pending  due 1970-01-01T00:01:00.000Z\n";
    let of_orders = "\
place-order  due  pending  at `reserve`  due 1970-01-01T00:01:00.000Z
place-order  over  completed
place-order  parked  failed  at `pay`  parked: `pay` can't be undone: no\\u{202e} bank
place-order  run  running  at `reserve`  run by host-1
place-order  waiting  step_completed  at `reserve`  waits for its event until 1970-01-01T00:01:00.000Z
";
    assert_eq!(said(&store, list(SagaFilter::default(), 6)).await, format!("{odd}{of_orders}"));
    let filter = SagaFilter { saga: Some("place-order".into()), ..SagaFilter::default() };
    assert_eq!(said(&store, list(filter, 20)).await, of_orders);
    assert_eq!(
        said(&store, list(SagaFilter::default(), 1)).await,
        format!("{odd}there are more: `--limit N` shows them\n")
    );
    let filter = SagaFilter { parked: true, ..SagaFilter::default() };
    assert_eq!(said(&store, list(filter, 20)).await.lines().count(), 1);
    let filter = SagaFilter { state: Some(SagaState::TimedOut), ..SagaFilter::default() };
    assert_eq!(said(&store, list(filter, 20)).await, "nothing found\n");
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let store = MemoryStore::new();
    for number in 0..u64::from(PAGE) + 7 {
        start(&store, &pending(&format!("{number:05}"))).await;
    }
    for (limit, shown) in [(499, 500), (500, 501), (501, 502), (506, 507), (507, 507), (u64::MAX, 507)] {
        let text = said(&store, list(SagaFilter::default(), limit)).await;
        assert_eq!(text.lines().count(), shown, "{limit}");
        assert_eq!(text.contains("there are more"), limit < 507, "{limit}");
    }
    let json = said(&store, SagaCommand::List { filter: SagaFilter::default(), limit: 3, json: true }).await;
    assert!(json.lines().count() == 3 && json.lines().all(|line| line.starts_with("{\"saga\":")), "{json}");
}

#[tokio::test]
async fn one_is_shown_with_all_that_was_done_and_undone() {
    let store = filled().await;
    let text = said(&store, SagaCommand::Show { instance: of("parked"), json: false }).await;
    assert_eq!(
        text,
        r#"place-order  parked  failed
  id            id-parked
  version       2, written 0 times since it was started
  started       1970-01-01T00:00:00.000Z
  written       1970-01-01T00:00:00.000Z
  step          pay, to be undone, failed 4 times
  undone        because a step failed
  next          parked: `pay` can't be undone: no\u{202e} bank
  error         no\nbank
  failed        ship  permanent  no\nship
  deadline      1970-01-01T00:01:00.000Z
  correlation   c-1
  input         {"order":7,"note":"a\u001b[2J"}
  done          reserve  {"id":1}
  done, undone  note  null
  done          pay  nobody knows whether it was done
"#
    );
    let text = said(&store, SagaCommand::Show { instance: of("waiting"), json: false }).await;
    assert!(
        text.contains("  step          reserve, not begun\n  next          waits for its event until 1970"),
        "{text}"
    );
}

#[tokio::test]
async fn for_programs_it_is_an_object_on_one_line() {
    let store = filled().await;
    let json = said(&store, SagaCommand::Show { instance: of("parked"), json: true }).await;
    assert_eq!(json.matches('\n').count(), 1, "{json}");
    let object: serde_json::Value = serde_json::from_str(&json).unwrap();
    for (pointer, expected) in [
        ("/state", serde_json::json!("failed")),
        ("/version", 2.into()),
        ("/due", serde_json::Value::Null),
        ("/cause", "failed".into()),
        ("/error", "no\nbank".into()),
        ("/failed/step", "ship".into()),
        ("/input/order", 7.into()),
        ("/correlation_id", "c-1".into()),
        ("/deadline", "1970-01-01T00:01:00.000Z".into()),
        ("/done/0", serde_json::json!({"step": "reserve", "undone": false, "is_known": true, "output": {"id": 1}})),
        ("/done/1", serde_json::json!({"step": "note", "undone": true, "is_known": true, "output": null})),
        ("/done/2", serde_json::json!({"step": "pay", "undone": false, "is_known": false, "output": null})),
    ] {
        assert_eq!(object.pointer(pointer), Some(&expected), "{pointer}: {json}");
    }
    // Numbers as they were written, also where a float can't hold them.
    let big = r#"{"input":{"n":123456789012345678901234567890}}"#;
    start(&store, &Instance { opening: big.into(), ..pending("big") }).await;
    let json = said(&store, SagaCommand::Show { instance: of("big"), json: true }).await;
    assert!(json.contains("\"input\":{\"n\":123456789012345678901234567890}"), "{json}");
}

#[tokio::test]
async fn what_can_not_be_read_is_shown_as_it_is() {
    let store = filled().await;
    let odd = || SagaInstance { saga: "odd".into(), key: "unreadable".into() };
    let text = said(&store, SagaCommand::Show { instance: odd(), json: false }).await;
    assert!(text.contains("  unreadable    ") && text.contains("  journal       {\n"), "{text}");
    let json = said(&store, SagaCommand::Show { instance: odd(), json: true }).await;
    let object: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(object["journal"], "{");
    assert!(object["unreadable"].as_str().unwrap().contains("odd"), "{json}");
}

#[tokio::test]
async fn a_parked_one_is_resumed_and_no_other() {
    let store = filled().await;
    assert_eq!(
        said(&store, SagaCommand::Resume(of("parked"))).await,
        "`parked` of `place-order` is not parked any more; whoever runs the saga goes on with it: \
         what could not be undone is tried again\n"
    );
    let found = store.load("place-order", "parked").await.unwrap().unwrap();
    assert_eq!((found.parked, found.due), (None, Some(NOW)));
    for (key, state) in [("due", "pending"), ("over", "completed"), ("parked", "failed")] {
        let text = said(&store, SagaCommand::Resume(of(key))).await;
        assert_eq!(text, format!("`{key}` of `place-order` is {state} and not parked: nothing was changed\n"));
    }
}

#[tokio::test]
async fn what_is_not_over_is_cancelled_or_compensated_once() {
    let store = filled().await;
    let text = said(&store, SagaCommand::Cancel(of("run"))).await;
    assert_eq!(
        text,
        "`run` of `place-order` is running; whoever runs the saga undoes what was done, \
         once the step that runs has ended, and it ends as cancelled\n"
    );
    assert_eq!(store.load("place-order", "run").await.unwrap().unwrap().wish, Some(SagaWish::Cancel));
    let text = said(&store, SagaCommand::Compensate(of("waiting"))).await;
    assert!(text.ends_with("undoes what was done, and it ends as compensated\n"), "{text}");
    let waiting = store.load("place-order", "waiting").await.unwrap().unwrap();
    assert_eq!((waiting.wish, waiting.due), (Some(SagaWish::Compensate), Some(NOW)));
    for (key, why) in [
        ("waiting", "was asked to compensate before"),
        ("over", "is completed"),
        ("parked", "is being undone already, and parked; `saga resume` has it tried again"),
    ] {
        let before = store.load("place-order", key).await.unwrap();
        let text = said(&store, SagaCommand::Cancel(of(key))).await;
        assert_eq!(text, format!("`{key}` of `place-order` {why}: nothing was changed\n"));
        assert_eq!(store.load("place-order", key).await.unwrap(), before);
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_with_what_is() {
    let store = filled().await;
    let at = |saga: &str, key: &str| SagaInstance { saga: saga.into(), key: key.into() };
    for (instance, expected) in [
        (at("place-order", "8\n"), "refused: there is no instance `8\\n` of a saga `place-order`; `saga list` names"),
        (at("place-ordr", "due"), "of a saga `place-ordr`; did you mean `place-order`? sagas: `odd`, `place-order`"),
    ] {
        for command in [
            SagaCommand::Show { instance: instance.clone(), json: true },
            SagaCommand::Resume(instance.clone()),
            SagaCommand::Cancel(instance.clone()),
            SagaCommand::Compensate(instance),
        ] {
            let text = said(&store, command).await;
            assert!(text.contains(expected), "{text}");
        }
    }
}

#[tokio::test]
async fn without_a_database_of_its_own_there_is_nothing_to_look_at() {
    let app = || App::only::<()>();
    let list = || SagaCommand::List { filter: SagaFilter::default(), limit: 1, json: false };
    let error = saga(app(), list()).await.unwrap_err().to_string();
    assert!(error.contains("the service has no database"), "{error}");
    let error = saga(app().set("database.url", "memory:"), list()).await.unwrap_err().to_string();
    assert!(error.contains("another one; look from inside"), "{error}");
    // A store that the program made is one that it can look at.
    saga(app().store(filled().await), SagaCommand::Resume(of("parked"))).await.unwrap();
}
