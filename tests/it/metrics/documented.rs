//! `docs/observability.md` lists what is on the page, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use swit::{
    App, BoxError, Database, provider,
    stores::MemoryStore,
    subscriber,
    testing::TestApp,
    two_phase::{Coordinator, MessagingParticipant},
};

use super::{page::Page, sagas::Trip};
use crate::support::{Task, task};

#[subscriber(name = "metered-listed", circuit_breaker)]
async fn listed(_event: Task) {}

#[provider]
async fn listed_coordinator(database: Database) -> Result<Coordinator, BoxError> {
    Ok(Coordinator::on(&database).participant(MessagingParticipant::new("messages", &database)).open().await?)
}

/// Type and labels by family, as a page of documentation has them.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/observability.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with("| series |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let labels = cells[2].split_whitespace().map(|label| label.trim_matches('`').to_owned()).collect();
        (cells[0].trim_matches('`').to_owned(), (cells[1].to_owned(), labels))
    });
    rows.collect()
}

/// The same, as a page of metrics has them.
fn on(page: &Page) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let of = |(family, kind): (&String, &String)| {
        let own = |series: &&String| {
            let name = series.split('{').next().unwrap();
            let rest = name.strip_prefix(family.as_str());
            rest.is_some_and(|rest| ["", "_bucket", "_sum", "_count"].contains(&rest))
        };
        let labels = page.values.keys().filter(own).flat_map(|series| labels(series)).filter(|label| label != "le");
        let name = family.strip_prefix("swit_messaging_").expect("one of swit's");
        (name.to_owned(), (kind.clone(), labels.collect()))
    };
    page.types.iter().map(of).collect()
}

/// The names of a series' labels; none of the tests' values holds a quote.
fn labels(series: &str) -> Vec<String> {
    let Some((_, labels)) = series.split_once('{') else { return Vec::new() };
    labels
        .split('"')
        .step_by(2)
        .filter_map(|before| Some(before.strip_suffix('=')?.trim_start_matches(',').to_owned()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_table_is_the_page() {
    let app = App::only::<(listed,)>().service("test", "1").store(MemoryStore::new());
    let app = app.with_saga::<Trip>().with_provider_of::<Coordinator>();
    let app = TestApp::start(app).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let page = Page::of(&app).await;
    let found = on(&page);
    assert!(found.len() > 20);
    assert_eq!(documented(), found);
}
