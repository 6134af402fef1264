//! `saga`: instances of sagas, from outside of the service. They are rows of its database: nothing is connected or built for
//! it, and the saga need not be linked.
//!
//! What is asked for is noted in the row; whoever runs the saga sees it within `database.poll`.

mod told;

use std::time::SystemTime;

use super::{SagaCommand, SagaInstance, execute::print};
use crate::{
    app::{App, database, logging, suggest::suggest},
    error::{Error, Result},
    said::Shown,
    store::{Instance, SagaFilter, SagaState, SagaWish, Store, StoreError},
    text::Text,
};

/// Most rows that are asked for at once.
const PAGE: u32 = 500;

pub(super) async fn saga(app: App, command: SagaCommand) -> Result<()> {
    logging::of_command(&app.layers);
    let graph = app.check()?;
    let none = || Error::Usage("the service has no database, so it has no sagas; set `database.url`".to_owned());
    let opening = graph.database.ok_or_else(none)?;
    if opening.is_of_the_process() {
        let text = "the database is kept in the service's own process, and this is another one; \
                    look from inside: `Running::sagas`";
        return Err(Error::Usage(text.to_owned()));
    }
    let opened = database::open(&opening, &app.migrations).await?;
    let place = opened.place();
    let linked = graph.sagas.iter().map(|saga| saga.name).collect();
    let desk = Desk { store: &**opened.store(), linked, now: app.clock.now() };
    let done = desk.of(command).await;
    opened.close().await;
    match done {
        Ok(text) => print(&text),
        Err(Refused::Store(source)) => Err(Error::Database { place, source: source.into() }),
        Err(Refused::Usage(text)) => Err(Error::Usage(text)),
    }
}

/// Why nothing was done.
#[derive(Debug)]
enum Refused {
    Store(StoreError),
    Usage(String),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What is asked, and whom.
struct Desk<'a> {
    store: &'a dyn Store,
    /// The sagas of this program.
    linked: Vec<&'static str>,
    now: SystemTime,
}

impl Desk<'_> {
    async fn of(&self, command: SagaCommand) -> Result<String, Refused> {
        match command {
            SagaCommand::List { filter, limit, json } => self.list(&filter, limit, json).await,
            SagaCommand::Show { instance, json } => {
                let found = self.find(&instance).await?;
                Ok(if json { told::json(&found) } else { told::text(&found) })
            }
            SagaCommand::Resume(instance) => self.resume(&instance).await,
            SagaCommand::Cancel(instance) => self.wish(&instance, SagaWish::Cancel).await,
            SagaCommand::Compensate(instance) => self.wish(&instance, SagaWish::Compensate).await,
        }
    }

    async fn list(&self, filter: &SagaFilter, limit: u64, json: bool) -> Result<String, Refused> {
        let (mut out, mut left) = (String::new(), limit);
        let mut last: Option<(Text, Text)> = None;
        loop {
            // One more than is shown says whether there are more.
            let page = u32::try_from(left.saturating_add(1)).unwrap_or(u32::MAX).min(PAGE);
            let behind = last.as_ref().map(|(saga, key)| (&**saga, &**key));
            let found = self.store.sagas().list(filter, behind, page).await?;
            for instance in &found {
                if left == 0 {
                    if !json {
                        out += "there are more: `--limit N` shows them\n";
                    }
                    return Ok(out);
                }
                left -= 1;
                out += &if json { told::json(instance) } else { told::line(instance) };
            }
            if found.len() < page as usize {
                break;
            }
            last = found.last().map(|instance| (instance.saga.clone(), instance.key.clone()));
        }
        if out.is_empty() && !json {
            out += "nothing found\n";
        }
        Ok(out)
    }

    async fn find(&self, SagaInstance { saga, key }: &SagaInstance) -> Result<Instance, Refused> {
        if let Some(found) = self.store.sagas().load(saga, key).await? {
            return Ok(found);
        }
        let counts = self.store.sagas().counts().await?;
        let of_rows = counts.iter().map(|count| &*count.saga);
        let known: Vec<&str> = self.linked.iter().copied().chain(of_rows).collect();
        let help = if known.contains(&saga.as_str()) {
            "`saga list` names those that there are; one that is over is forgotten after `database.retention`"
                .to_owned()
        } else {
            suggest(saga, known, "sagas: ")
        };
        let (saga, key) = (Shown(saga), Shown(key));
        Err(Refused::Usage(format!("there is no instance `{key}` of a saga `{saga}`; {help}")))
    }

    async fn resume(&self, at: &SagaInstance) -> Result<String, Refused> {
        let found = self.find(at).await?;
        let name = name(&found);
        if self.store.sagas().resume(&at.saga, &at.key, self.now).await? {
            let again = if found.state == SagaState::Failed { ": what could not be undone is tried again" } else { "" };
            return Ok(format!("{name} is not parked any more; whoever runs the saga goes on with it{again}\n"));
        }
        Ok(format!("{name} is {} and not parked: nothing was changed\n", found.state))
    }

    async fn wish(&self, at: &SagaInstance, wish: SagaWish) -> Result<String, Refused> {
        let found = self.find(at).await?;
        let name = name(&found);
        if let Some(why) = told::is_futile(&found) {
            return Ok(format!("{name} {why}: nothing was changed\n"));
        }
        let state = self.store.sagas().wish(&at.saga, &at.key, wish, self.now).await?;
        // It may have ended, or been forgotten, since it was looked at.
        let state = state.unwrap_or(SagaState::Completed);
        if state.is_finished() {
            return Ok(format!("{name} is {state}: nothing was changed\n"));
        }
        let end = match found.wish.unwrap_or(wish) {
            SagaWish::Cancel => SagaState::Cancelled,
            SagaWish::Compensate => SagaState::Compensated,
        };
        let first = if found.owner.is_empty() { "" } else { ", once the step that runs has ended" };
        Ok(format!("{name} is {state}; whoever runs the saga undoes what was done{first}, and it ends as {end}\n"))
    }
}

fn name(instance: &Instance) -> String {
    format!("`{}` of `{}`", Shown(&instance.key), Shown(&instance.saga))
}

#[cfg(test)]
mod tests;
