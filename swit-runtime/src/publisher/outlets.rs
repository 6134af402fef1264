//! The publishers of one app: one for each transport without a name, and the named ones.
//!
//! Guarantee: names are unique while their publishers live, and [`Outlets::flush`] misses none.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

#[cfg(feature = "prometheus")]
use super::Published;
use super::{
    PublisherConfig,
    background::{Background, Progress},
    home::Home,
    outlet::Outlet,
    path::{Links, Path},
};
use crate::{
    error::{PublishError, PublisherError},
    middleware::PublishLink,
    scope::Scope,
    text::Text,
    transport::Publish,
};

/// A publish-side middleware, and which publishers it runs around.
#[derive(Clone)]
pub(crate) struct ChainEntry {
    pub(crate) link: PublishLink,
    /// Empty: all, with and without a name.
    pub(crate) only: Vec<Text>,
    pub(crate) except: Vec<Text>,
}

impl ChainEntry {
    fn runs_around(&self, publisher: Option<&str>) -> bool {
        let names = |list: &[Text]| publisher.is_some_and(|name| list.iter().any(|listed| *listed == name));
        (self.only.is_empty() || names(&self.only)) && !names(&self.except)
    }
}

/// The publishers of one app.
pub(crate) struct Outlets {
    home: Arc<Home>,
    ports: HashMap<Text, Arc<dyn Publish>>,
    /// Outermost first.
    chain: Vec<ChainEntry>,
    plain: HashMap<Text, Outlet>,
    named: Mutex<Vec<Named>>,
}

/// A named publisher as the app knows it: it belongs to whoever publishes.
#[derive(Debug, Clone)]
struct Named {
    name: Text,
    path: Weak<Path>,
    progress: Option<Weak<Progress>>,
}

impl Named {
    fn outlet(&self) -> Option<(Arc<Path>, Option<Arc<Progress>>)> {
        Some((self.path.upgrade()?, self.progress.as_ref().and_then(Weak::upgrade)))
    }
}

/// What a named publisher has done so far.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublisherStats {
    /// Its name.
    pub name: Text,
    /// Publications that were started, or taken in by its queue, and are not answered.
    pub outstanding: u64,
    /// Of an asynchronous publisher: publications that failed after they were taken in.
    pub failed: u64,
}

impl Outlets {
    /// The publishers without a name, of every transport.
    pub(crate) fn new(home: Home, ports: HashMap<Text, Arc<dyn Publish>>, chain: Vec<ChainEntry>) -> Self {
        let home = Arc::new(home);
        let links = links(&chain, None);
        let plain = ports.iter().map(|(name, port)| {
            let path = Arc::new(Path::plain(home.clone(), name.clone(), port.clone(), links.clone()));
            (name.clone(), Outlet { path, background: None })
        });
        Self { plain: plain.collect(), home, ports, chain, named: Mutex::default() }
    }

    /// What is published from now on goes to the transports at once.
    pub(crate) fn open(&self, scope: &Arc<Scope>) {
        self.home.open(scope);
    }

    /// The publisher without a name to this transport.
    pub(crate) fn plain(&self, transport: &str) -> Result<Outlet, PublishError> {
        self.plain.get(transport).cloned().ok_or_else(|| PublishError::NoTransport { name: Text::from(transport) })
    }

    /// The way straight to each transport, for what went through everything else before.
    pub(crate) fn straight(&self) -> Vec<(Text, Outlet)> {
        let straight = self.ports.iter().map(|(name, port)| {
            let path = Path::plain(self.home.clone(), name.clone(), port.clone(), Box::default());
            (name.clone(), Outlet { path: Arc::new(path), background: None })
        });
        straight.collect()
    }

    /// Makes a named publisher.
    ///
    /// # Errors
    /// An option is out of range, the name is taken, or there is no such transport.
    pub(crate) fn make(&self, config: &PublisherConfig) -> Result<Outlet, PublisherError> {
        let name = &config.name;
        config.check().map_err(|fault| PublisherError::Invalid { name: name.clone(), fault })?;
        let no_transport = || PublisherError::NoTransport { name: name.clone(), transport: config.transport.clone() };
        let port = self.ports.get(&config.transport).ok_or_else(no_transport)?;
        let mut named = self.lock();
        if self.home.closing.is_cancelled() {
            return Err(PublisherError::Closed { name: name.clone() });
        }
        named.retain(|known| known.path.strong_count() > 0);
        if named.iter().any(|known| known.name == *name) {
            return Err(PublisherError::Taken { name: name.clone() });
        }
        let chain = links(&self.chain, Some(name));
        let path = Arc::new(Path::named(self.home.clone(), port.clone(), chain, config));
        let background = config.capacity.map(|capacity| Background::start(&path, name.clone(), capacity));
        let progress = background.as_ref().map(|background| Arc::downgrade(background.progress()));
        named.push(Named { name: name.clone(), path: Arc::downgrade(&path), progress });
        Ok(Outlet { path, background })
    }

    /// Hands over what any publisher holds back, then waits until everything that was started until now is answered.
    pub(crate) async fn flush(&self) {
        let all = self.all();
        let _hurry: Vec<_> = all.iter().filter_map(|(path, _)| path.hurry()).collect();
        self.wait(&all, true).await;
    }

    /// Waits for what publishers hold that nobody awaits: batches go out in their time.
    pub(crate) async fn settled(&self) {
        self.wait(&self.all(), false).await;
    }

    /// Whether some publisher holds what nobody awaits.
    pub(crate) fn holds(&self) -> bool {
        self.all().iter().any(|(path, progress)| {
            progress.as_ref().is_some_and(|progress| progress.outstanding() > 0)
                || (path.holds() && !path.outstanding().is_empty())
        })
    }

    async fn wait(&self, all: &[(Arc<Path>, Option<Arc<Progress>>)], whole: bool) {
        for (path, progress) in all {
            let flights = if whole || path.holds() { path.outstanding() } else { Vec::new() };
            if let Some(progress) = progress {
                progress.caught_up().await;
            }
            for flight in flights {
                flight.landed().await;
            }
        }
    }

    /// Takes nothing more in: queues empty themselves, batches go out, their tasks end.
    pub(crate) fn close(&self) {
        // Under the lock, so that no publisher is made that would miss it.
        let _named = self.lock();
        self.home.closing.cancel();
    }

    /// Publications that have started and are not answered.
    pub(crate) fn outstanding(&self) -> usize {
        let each = self.all();
        each.iter().map(|(path, progress)| outstanding(path, progress.as_deref())).sum()
    }

    /// What is counted of publications, if anything is.
    #[cfg(feature = "prometheus")]
    pub(crate) fn published(&self) -> Option<&Published> {
        self.home.published.as_ref()
    }

    /// How many publishers there are, with and without a name.
    #[cfg(feature = "prometheus")]
    pub(crate) fn len(&self) -> usize {
        self.all().len()
    }

    /// What each named publisher has done so far, by name.
    pub(crate) fn stats(&self) -> Vec<PublisherStats> {
        let named = self.lock().clone();
        let stats = named.iter().filter_map(|known| {
            let (path, progress) = known.outlet()?;
            Some(PublisherStats {
                name: known.name.clone(),
                outstanding: outstanding(&path, progress.as_deref()) as u64,
                failed: progress.map_or(0, |progress| progress.failed()),
            })
        });
        let mut stats: Vec<_> = stats.collect();
        stats.sort_by(|a, b| a.name.cmp(&b.name));
        stats
    }

    fn all(&self) -> Vec<(Arc<Path>, Option<Arc<Progress>>)> {
        let named: Vec<_> = self.lock().iter().filter_map(Named::outlet).collect();
        self.plain.values().map(|outlet| (outlet.path.clone(), None)).chain(named).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Named>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An asynchronous publisher's flights are among those that its queue has taken in.
fn outstanding(path: &Path, progress: Option<&Progress>) -> usize {
    progress.map_or_else(
        || path.outstanding().len(),
        |progress| usize::try_from(progress.outstanding()).unwrap_or(usize::MAX),
    )
}

fn links(chain: &[ChainEntry], publisher: Option<&str>) -> Links {
    chain.iter().filter(|entry| entry.runs_around(publisher)).map(|entry| entry.link.clone()).collect()
}

impl std::fmt::Debug for Outlets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outlets").field("named", &self.lock()).finish_non_exhaustive()
    }
}
