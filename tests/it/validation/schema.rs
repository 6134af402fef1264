//! By the JSON Schema of the type, before decoding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use swit::{App, DecodeError, Event, Json, Message, State, subscriber, testing::TestApp};

use crate::support::Journal;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Item {
    sku: String,
    #[schemars(range(min = 1))]
    quantity: u32,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema, Event)]
#[event(topic = "cart.filled", version = 1, unrouted = "ignore")]
struct CartV1 {
    #[schemars(length(max = 1))]
    skus: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema, Event)]
#[event(topic = "cart.filled", version = 2, upcast = CartV1, unrouted = "ignore")]
struct Cart {
    #[schemars(length(min = 1))]
    items: Vec<Item>,
    #[serde(default)]
    #[schemars(email)]
    contact: Option<String>,
}

impl From<CartV1> for Cart {
    fn from(old: CartV1) -> Self {
        let items = old.skus.into_iter().map(|sku| Item { sku, quantity: 1 }).collect();
        Self { items, contact: None }
    }
}

#[subscriber(validate = schema)]
async fn of_an_event(journal: State<Journal>, cart: Cart) {
    journal.note(format!("{} {:?}", cart.items.len(), cart.contact));
}

async fn start<T: swit::Handlers>() -> (TestApp, Journal) {
    let journal = Journal::default();
    (TestApp::start(App::only::<T>().provide(journal.clone())).await.unwrap(), journal)
}

fn said(app: &TestApp, subscriber: &str) -> Vec<String> {
    let dead = app.dead_letters(subscriber);
    assert!(dead.iter().all(|dead| dead.reason == "invalid_input" && dead.attempts == 1));
    dead.into_iter().map(|dead| dead.error).collect()
}

fn cart(body: &str) -> Message {
    let mut message = Message::new("", body.to_owned());
    message.version = 2;
    message
}

#[tokio::test(start_paused = true)]
async fn the_error_names_the_place_and_no_handler_sees_it() {
    let (app, journal) = start::<(of_an_event,)>().await;
    let items = r#"{"sku":"a","quantity":1},{"sku":"b","quantity":2}"#;
    for body in [
        format!(r#"{{"items":[{items}]}}"#),
        format!(r#"{{"items":[{items},{{"sku":"c","quantity":7}},{{"sku":"d","quantity":0}}]}}"#),
        r#"{"items":[{"sku":7}],"contact":"nobody"}"#.to_owned(),
        r#"{"items":[]}"#.to_owned(),
        "{}".to_owned(),
    ] {
        app.publish_to("cart.filled", cart(&body)).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["2 None"]);
    let before = "`of-an-event` refused the payload as invalid: it is not as the JSON Schema of `Cart` says: ";
    let said: Vec<_> =
        said(&app, "of-an-event").iter().map(|text| text.strip_prefix(before).unwrap().to_owned()).collect();
    assert_eq!(
        said,
        [
            "/items/3/quantity: 0 is less than the minimum of 1",
            "/contact: value is not a \"email\"; /items/0/quantity: it is required; /items/0/sku: 7 is not of type \"string\"",
            "/items: value has less than 1 item",
            "/items: it is required",
        ]
    );
    app.shutdown().await.unwrap();
}

#[derive(Debug, Serialize, Deserialize, JsonSchema, Event)]
#[event(topic = "cart.emptied", version = 1)]
struct Emptied {
    #[schemars(length(min = 3))]
    why: String,
}

#[derive(Debug, Event)]
enum Carts {
    Filled(Cart),
    Emptied(Emptied),
}

#[subscriber(validate = schema)]
async fn of_an_enum(carts: Carts, journal: State<Journal>) {
    journal.note(match carts {
        Carts::Filled(cart) => format!("{} items", cart.items.len()),
        Carts::Emptied(emptied) => emptied.why,
    });
}

#[tokio::test(start_paused = true)]
async fn each_variant_and_each_version_is_held_to_its_own_schema() {
    let (app, journal) = start::<(of_an_enum,)>().await;
    let old = |body: &str| {
        let mut message = cart(body);
        message.version = 1;
        message
    };
    app.publish_to("cart.emptied", Message::new("", r#"{"why":"no"}"#)).await.unwrap();
    app.publish_to("cart.emptied", Message::new("", r#"{"why":"bored"}"#)).await.unwrap();
    // Neither version's schema lets the other's payload through.
    app.publish_to("cart.filled", old(r#"{"skus":["a"]}"#)).await.unwrap();
    app.publish_to("cart.filled", old(r#"{"skus":["a","b"]}"#)).await.unwrap();
    app.publish_to("cart.filled", cart(r#"{"items":[{"sku":"a","quantity":0}]}"#)).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["bored", "1 items"]);
    let said: Vec<_> =
        said(&app, "of-an-enum").iter().map(|text| text.split(" says: ").nth(1).unwrap().to_owned()).collect();
    assert_eq!(
        said,
        [
            "/why: value is shorter than 3 characters",
            "/skus: value has more than 1 item",
            "/items/0/quantity: 0 is less than the minimum of 1",
        ]
    );
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_passes_by_what_no_json_value_holds() {
    let (app, journal) = start::<(of_an_event,)>().await;
    let item = r#"{"sku":"a","quantity":0}"#;
    for unknown in ["1e400", r#""\ud800""#, "-1e999"] {
        // The decoder passes over the field; the quantity would be refused.
        app.publish_to("cart.filled", cart(&format!(r#"{{"items":[{item}],"unknown":{unknown}}}"#))).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(journal.lines(), [""; 0]);
    let said = said(&app, "of-an-event");
    assert_eq!(said.len(), 3);
    for text in said {
        assert!(text.contains("the JSON Schema of `Cart` can't be held against what is no JSON value: "), "{text}");
        assert!(text.contains("at line 1 column "), "{text}");
    }
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_decoded_is_left_to_the_decoder() {
    let (app, journal) = start::<(of_an_event,)>().await;
    let mut newer = cart("{}");
    newer.version = 3;
    let mut other = cart("{}");
    other.content_type = Some("application/msgpack".into());
    for message in [cart("{"), newer, other] {
        app.publish_to("cart.filled", message).await.unwrap();
    }
    app.wait_quiet().await;
    let said = said(&app, "of-an-event");
    assert!(said[0].starts_with("the payload is not a `Cart`"), "{said:?}");
    assert!(
        said[1].contains("has version 3") && said[2].contains("the content type `application/msgpack`"),
        "{said:?}"
    );
    assert!(journal.lines().is_empty());
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "items", validate = schema)]
async fn of_what_may_fail(items: Result<Json<Vec<Item>>, DecodeError>, journal: State<Journal>) {
    journal.note(items.map_or_else(|_| "no JSON".to_owned(), |items| items.len().to_string()));
}

#[tokio::test(start_paused = true)]
async fn what_is_told_is_capped_and_long_texts_are_not_repeated() {
    let (app, journal) = start::<(of_what_may_fail,)>().await;
    let many = vec![r#"{"sku":"a","quantity":0}"#; 1_000].join(",");
    let long = format!(r#"[{{"sku":"a","quantity":"{}"}}]"#, "\u{e4}".repeat(100_000));
    let bodies = [format!("[{many}]"), long, "not JSON".to_owned(), r#"[{"sku":"a","quantity":1}]"#.to_owned()];
    for body in bodies {
        app.publish_to("items", Message::new("", body)).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["no JSON", "1"]);
    let said = said(&app, "of-what-may-fail");
    assert!(said[0].ends_with("/7/quantity: 0 is less than the minimum of 1; and more"), "{}", said[0]);
    assert!(said[1].ends_with("/0/quantity: value is not of type \"integer\""), "{}", said[1]);
    app.shutdown().await.unwrap();
}

/// Says of itself what no schema is.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "broken", version = 1)]
struct Broken {}

impl JsonSchema for Broken {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Broken".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "object", "minProperties": "one"})
    }
}

#[subscriber(validate = schema)]
async fn of_a_broken_schema(_broken: Broken) {}

#[test]
fn a_schema_that_is_none_is_a_fault_of_the_start() {
    let faults = App::only::<(of_a_broken_schema,)>().check().unwrap_err().faults;
    let [fault] = &*faults else { panic!("{faults:?}") };
    assert!(fault.location.contains("tests/it/validation/schema.rs"), "{fault:?}");
    let message = "`of-a-broken-schema` can't validate by a JSON Schema: the JSON Schema of `Broken`: ";
    assert!(fault.message.starts_with(message), "{fault:?}");
}
