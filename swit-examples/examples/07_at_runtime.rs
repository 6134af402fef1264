//! `cargo run -p swit-examples --example 07_at_runtime`, or `cargo test -p swit-examples --example 07_at_runtime`
//!
//! Handlers that nobody knows of when the service is compiled: each tenant that joins gets a subscriber of its own, with
//! the policies of its plan, and loses it when it leaves. One that is suspended is paused, and finds what it missed.

use std::{
    io::{self, Write as _},
    sync::Mutex,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use swit::{App, Backoff, Handle, Policies, Remaining, Subscription, prelude::*};

/// What becomes of a tenant.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "tenant.changed", version = 1)]
pub struct TenantChanged {
    /// Its name, one word.
    pub tenant: String,
    /// What happened.
    pub change: Change,
}

/// What may happen to a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// It is new.
    Joined,
    /// It did not pay.
    Suspended,
    /// It paid.
    Restored,
    /// It is gone.
    Left,
}

/// The mailbox of everybody.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<Vec<String>>);

impl Mailbox {
    fn put(&self, line: String) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{line}")?;
        self.0.lock().map_err(|_| io::Error::other("poisoned"))?.push(line);
        Ok(())
    }
}

/// Subscribes and unsubscribes: in order, so that nobody is suspended before it has joined.
#[subscriber(ordered)]
async fn follow_tenants(event: TenantChanged, handle: Handle) -> swit::Result<()> {
    let name = format!("notify-{}", event.tenant);
    match event.change {
        Change::Joined => join(&handle, &name, event.tenant).await,
        Change::Suspended => handle.pause(&name),
        Change::Restored => handle.resume(&name),
        // Nobody will ever read what is left for it.
        Change::Left => handle.unsubscribe_and_delete(&name, Remaining::Delete).await.map(|_| ()),
    }
}

async fn join(handle: &Handle, name: &str, tenant: String) -> swit::Result<()> {
    let policies =
        Policies::new().retries(5).backoff(Backoff::fixed(Duration::from_secs(2))).timeout(Duration::from_secs(10));
    let subscription = Subscription::new(format!("notice.{tenant}")).topic("notice.all").name(name).policies(policies);
    // A closure keeps what it captures, so each call gets a clone.
    let notify = move |notice: Json<String>, mailbox: State<Mailbox>| {
        let tenant = tenant.clone();
        async move { mailbox.put(format!("{tenant}: {}", *notice)) }
    };
    handle.subscribe(subscription, notify).await
}

#[tokio::main]
async fn main() -> swit::Result<()> {
    let running = App::only::<(follow_tenants,)>().service("notices", "1").provide(Mailbox::default()).start().await?;
    tell(&running.publisher()?, &running).await?;
    for subscriber in running.handle().list() {
        let (name, state, attempts) = (subscriber.name, subscriber.state, subscriber.counts.attempts);
        let written = writeln!(io::stdout().lock(), "{name} is {state:?} after {attempts} attempts");
        written.map_err(|source| swit::Error::Io { doing: "writing".to_owned(), source })?;
    }
    running.shutdown().await
}

/// A day in the life of two tenants.
async fn tell(publisher: &Publisher, running: &swit::Running) -> swit::Result<()> {
    let change = async |tenant: &str, change| {
        publisher.publish(&TenantChanged { tenant: tenant.to_owned(), change }).await?;
        running.wait_quiet().await;
        Ok::<_, swit::Error>(())
    };
    let notice = async |topic: &'static str, text: &str| {
        publisher.publish_to(topic, Message::new("", format!("{text:?}"))).await?;
        running.wait_quiet().await;
        Ok::<_, swit::Error>(())
    };
    change("acme", Change::Joined).await?;
    change("zenith", Change::Joined).await?;
    notice("notice.all", "welcome").await?;
    change("acme", Change::Suspended).await?;
    notice("notice.all", "we move house").await?;
    change("zenith", Change::Left).await?;
    change("acme", Change::Restored).await?;
    notice("notice.acme", "thank you").await
}

#[cfg(test)]
mod tests {
    use swit::testing::TestApp;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_is_suspended_finds_what_it_missed_and_who_left_is_gone() {
        let mailbox = std::sync::Arc::new(Mailbox::default());
        let app = App::only::<(follow_tenants,)>().service("notices", "1").provide_shared(mailbox.clone());
        let app = TestApp::start(app).await.unwrap();
        tell(app.publisher(), app.running()).await.unwrap();
        let mut lines = mailbox.0.lock().unwrap().clone();
        lines[..2].sort();
        assert_eq!(
            lines,
            ["acme: welcome", "zenith: welcome", "zenith: we move house", "acme: we move house", "acme: thank you"]
        );
        let names: Vec<_> = app.running().handle().list().into_iter().map(|one| one.name.to_string()).collect();
        assert_eq!(names, ["follow-tenants", "notify-acme"]);
        let queues = app.running().inspect("default").unwrap().queues();
        assert!(!queues.iter().any(|queue| *queue == *"notices.notify-zenith"), "{queues:?}");
        assert!(app.dead_letters("follow-tenants").is_empty());
        app.shutdown().await.unwrap();
    }
}
