//! The metrics page of a running service.
//!
//! Almost everything is pulled when the page is asked for, from what workers, publishers and connections count or know
//! anyway. Guarantees:
//! - every series of what is registered is there from the start, with zeros, and no message adds one (`families`);
//! - what has to be asked of a broker is asked beside the data path, seldom, and not shown once it is old (`depths`);
//! - the page is valid whatever the program's own metrics are called (`crate::metrics::recorder`).

mod consume;
mod depths;
mod families;
mod publish;
mod sagas;
#[cfg(feature = "admin")]
mod served;
mod state;

use std::{fmt, sync::Arc, time::Duration};

use depths::Depths;
use families::{IN_DOUBT, OUTBOX_OLDEST, OUTBOX_PARKED, OUTBOX_PENDING, SERVICE, TRANSACTIONS};
#[cfg(feature = "admin")]
pub(super) use served::Served;

use super::{dynamic::Members, graph::Graph};
use crate::{
    metrics::{Page, Recorder},
    publisher::{Outlets, Published},
    registry::EventRegistration,
    saga::Engine,
    scope::Scope,
    store::{Depth, SagaCount},
    text::Text,
    transport::Transport,
};

/// Writes the metrics page of a running service. Cheap to clone; it keeps nothing running.
#[derive(Clone)]
pub struct Metrics(Arc<Source>);

struct Source {
    prefix: String,
    scope: Arc<Scope>,
    members: Arc<Members>,
    outlets: Arc<Outlets>,
    transports: Vec<Arc<dyn Transport>>,
    depths: Depths,
    sagas: sagas::Counts,
}

impl Metrics {
    pub(super) fn start(
        prefix: String,
        scope: &Arc<Scope>,
        members: &Arc<Members>,
        outlets: &Arc<Outlets>,
        transports: &[Arc<dyn Transport>],
    ) -> Self {
        Self(Arc::new(Source {
            prefix,
            scope: scope.clone(),
            members: members.clone(),
            outlets: outlets.clone(),
            transports: transports.to_vec(),
            depths: Depths::start(transports),
            sagas: sagas::Counts::default(),
        }))
    }

    /// The page, in Prometheus' text format 0.0.4 (`text/plain; version=0.0.4`): swit's own series, then those of the program.
    ///
    /// What has to be asked of a broker is asked at most every five seconds; the page waits two seconds for it and then does
    /// without. Cancel-safe.
    pub async fn page(&self) -> String {
        let source = &*self.0;
        let (subscribers, retired) = source.members.rows();
        let depths = source.depths.of(&subscribers).await;
        let mut page = Page::new();
        let prefix = &*source.prefix;
        SERVICE.begin(prefix, &mut page);
        let service = source.scope.service();
        // Not `instance`, nor `service`: these Prometheus and its operator give to whatever they scrape.
        let who = [("service_name", &*service.name), ("service_version", &*service.version)];
        page.value(&[who[0], who[1], ("service_instance", &service.instance)], 1);
        publish::write(prefix, source.outlets.published(), &mut page);
        consume::write(prefix, &subscribers, &retired, &mut page);
        state::write(prefix, source, &subscribers, &depths, &mut page);
        source.transactions(&mut page);
        source.stored(&mut page).await;
        if let Some(recorder) = Recorder::global() {
            recorder.write(prefix, &mut page).await;
        }
        page.finish()
    }

    /// Asks nothing of brokers any more.
    pub(super) fn stop(&self) {
        self.0.depths.stop();
    }
}

/// How long the database may take to say what lies in it.
const PATIENCE: Duration = Duration::from_secs(2);

impl Source {
    /// What lies in the database. Where there is none, or it does not answer, the families are empty.
    async fn stored(&self, page: &mut Page) {
        let engine = self.scope.get::<Engine>();
        let sagas = engine.as_ref().map(|engine| engine.definitions()).unwrap_or_default();
        let (depth, counts) = tokio::join!(self.depth(), self.counts(!sagas.is_empty()));
        self.outbox(depth, page);
        sagas::write(&self.prefix, sagas, page);
        sagas::instances(&self.prefix, sagas, counts.as_deref(), page);
    }

    async fn depth(&self) -> Option<Depth> {
        let asked = async { self.scope.store()?.outbox().depth().await.ok() };
        tokio::time::timeout(PATIENCE, asked).await.ok().flatten()
    }

    /// Where instances of sagas are, if somebody wants to know.
    async fn counts(&self, is_wanted: bool) -> Option<Arc<[SagaCount]>> {
        let store = self.scope.store().filter(|_| is_wanted)?;
        self.sagas.of(&**store, PATIENCE).await
    }

    fn outbox(&self, depth: Option<Depth>, page: &mut Page) {
        let prefix = &*self.prefix;
        OUTBOX_PENDING.begin(prefix, page);
        if let Some(depth) = depth {
            page.value(&[], depth.pending);
        }
        OUTBOX_OLDEST.begin(prefix, page);
        if let Some(depth) = depth {
            let now = self.scope.clock().now();
            let waits = depth.oldest.map(|since| now.duration_since(since).unwrap_or_default()).unwrap_or_default();
            page.value(&[], waits.as_secs_f64());
        }
        OUTBOX_PARKED.begin(prefix, page);
        if let Some(depth) = depth {
            page.value(&[], depth.parked);
        }
    }

    /// How transactions over several participants ended, of each coordinator that was opened.
    fn transactions(&self, page: &mut Page) {
        let all = self.scope.recoveries().all();
        let tallied: Vec<_> = all.iter().map(|(coordinator, of)| (&**coordinator, of.tallied())).collect();
        TRANSACTIONS.begin(&self.prefix, page);
        for (coordinator, of) in &tallied {
            for (outcome, many) in of.ended {
                page.value(&[("coordinator", *coordinator), ("outcome", outcome)], many);
            }
        }
        IN_DOUBT.begin(&self.prefix, page);
        for (coordinator, of) in &tallied {
            page.value(&[("coordinator", *coordinator)], of.in_doubt);
        }
    }
}

/// The topics that have series of their own: those of events, of publishers, and those that subscribers name in full.
pub(super) fn published(graph: &Graph) -> Published {
    let of_events = |event: &&'static EventRegistration| event.descriptors;
    let events = graph.events.iter().flat_map(of_events).map(|event| event.topic);
    let publishers =
        graph.publishers.iter().flat_map(|publisher| publisher.registration.events).map(|event| event.topic);
    let handled = graph.nodes.iter().flat_map(|node| node.registration.events.iter().chain(&node.emits));
    let literal = |pattern: &&Text| !pattern.split('.').any(|word| word == "*" || word == "#");
    let patterns = graph.nodes.iter().flat_map(|node| &node.queue.patterns).filter(literal).cloned();
    let known = events.chain(publishers).chain(handled.map(|event| event.topic)).map(Text::from_static);
    Published::new(known.chain(patterns))
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("prefix", &self.0.prefix).finish_non_exhaustive()
    }
}
