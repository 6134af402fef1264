//! The open database, and the tasks beside it: relays, recovery and cleaning up.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Opening, cleanup, opening::Place, recovery};
use crate::{
    app::config::DatabaseUrl,
    error::{Error, Result},
    id::MessageId,
    publisher::Outlets,
    relay::Relay,
    scope::Scope,
    store::{Migrations, Store, StoreError},
    stores::MemoryStore,
    transport::BoxFuture,
    walled::walled,
};

/// The database, open.
pub(crate) struct Opened {
    store: Arc<dyn Store>,
    opening: Opening,
    tasks: JoinSet<()>,
    ends: CancellationToken,
}

/// Opens the database and makes sure of its tables.
///
/// # Errors
/// It can't be reached, refuses, or has not the tables that it should have.
pub(crate) fn open<'a>(opening: &'a Opening, migrations: &'a [Migrations]) -> BoxFuture<'a, Result<Opened>> {
    Box::pin(async move {
        let failed = |error: StoreError| Error::Database { place: place(opening), source: error.into() };
        let store = store(opening, migrations).await.map_err(failed)?;
        tracing::info!(database = place(opening), system = store.system(), "opened the database");
        Ok(Opened { store, opening: opening.clone(), tasks: JoinSet::new(), ends: CancellationToken::new() })
    })
}

fn place(opening: &Opening) -> String {
    match &opening.place {
        Place::Given(store) => store.system().to_owned(),
        Place::Url(url) => url.to_string(),
    }
}

async fn store(opening: &Opening, migrations: &[Migrations]) -> Result<Arc<dyn Store>, StoreError> {
    match &opening.place {
        Place::Given(store) => Ok(store.clone()),
        Place::Url(DatabaseUrl::Memory) => Ok(Arc::new(MemoryStore::new())),
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        Place::Url(_) => {
            let store = sql(opening).await?;
            let is_file = matches!(opening.place, Place::Url(DatabaseUrl::Sqlite(_)));
            if opening.migrate.unwrap_or(is_file) {
                for applied in store.migrate(migrations).await?.iter().filter(|applied| applied.now > 0) {
                    tracing::info!(owner = applied.owner, steps = applied.now, "migrated the database");
                }
            } else {
                let missing = store.missing(migrations).await?;
                if missing > 0 {
                    return Err(StoreError::NotMigrated { missing });
                }
            }
            Ok(Arc::new(store))
        }
        // The graph check made sure of it.
        #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
        Place::Url(_) => {
            let _ = migrations;
            Err(StoreError::NoDatabase)
        }
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(in crate::app) async fn sql(opening: &Opening) -> Result<crate::stores::SqlStore, StoreError> {
    use crate::stores::TablePrefix;

    // Checked where the configuration was read.
    let prefix = opening.prefix.as_deref().and_then(|text| TablePrefix::parse(text).ok()).unwrap_or_default();
    match &opening.place {
        #[cfg(feature = "sqlite")]
        Place::Url(DatabaseUrl::Sqlite(path)) => crate::stores::SqliteOptions::file(path).prefix(prefix).open().await,
        #[cfg(feature = "postgres")]
        Place::Url(DatabaseUrl::Postgres(url)) => {
            let options = crate::stores::PostgresOptions::url(url)?.prefix(prefix).tells(opening.relay.is_none());
            let options = opening.connections.map_or(options.clone(), |most| options.connections(most));
            options.open().await
        }
        _ => Err(StoreError::NoDatabase),
    }
}

impl Opened {
    /// Where it is, without its password.
    pub(crate) fn place(&self) -> String {
        place(&self.opening)
    }

    /// How often what lies in it is looked for where nobody told of it, and how long a process may be silent.
    pub(crate) fn pace(&self) -> (Duration, Duration) {
        self.opening.pace
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Begins to relay, to clean up and, if it is to, to recover, once publishers can publish.
    pub(crate) fn serve(&mut self, outlets: &Outlets, scope: &Arc<Scope>, recovers: bool) {
        if let Some(options) = self.opening.relay {
            let relay = Relay {
                store: self.store.clone(),
                scope: scope.clone(),
                outlets: outlets.straight(),
                // An instance's name may be configured, and stand twice.
                name: format!("{}-{}", scope.service().instance, MessageId::new(scope.clock().now())).into(),
                options,
            };
            self.tasks.spawn(relaying(relay, self.ends.clone()));
        }
        if recovers {
            self.tasks.spawn(recovery::run(scope.clone(), self.ends.clone()));
        }
        self.tasks.spawn(cleanup::run(self.store.clone(), scope.clone(), self.opening.retention));
    }

    /// Whether something lies in the outbox that this process will publish.
    pub(crate) async fn is_pending(&self) -> bool {
        if self.opening.relay.is_none() {
            return false;
        }
        self.store.outbox().depth().await.is_ok_and(|depth| depth.pending > 0)
    }

    /// Relays end what they have begun, until the deadline. What lies in the outbox stays there.
    pub(crate) async fn stop_relaying(&mut self, deadline: Instant) {
        self.ends.cancel();
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(100));
        // The one that cleans up never ends by itself.
        let relays = async { while self.tasks.len() > 1 && self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(left, relays).await;
        self.tasks.shutdown().await;
    }

    /// After everybody who could use it.
    pub(crate) async fn close(self) {
        // A transaction that somebody still holds is not worth waiting for: it was not committed.
        let _ = tokio::time::timeout(Duration::from_secs(5), self.store.close()).await;
    }
}

/// Relays. A panic, of ours or of a store, ends nothing: the relay begins again.
async fn relaying(relay: Relay, ends: CancellationToken) {
    while walled(|| Box::pin(relay.run(&ends))).await.is_none() {
        tracing::error!(relay = %relay.name, "the relay panicked; it begins again");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("store", &self.store).finish_non_exhaustive()
    }
}
