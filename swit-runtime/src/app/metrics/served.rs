//! `/metrics`: the page over HTTP.

use std::sync::{Arc, OnceLock};

use super::Metrics;
use crate::{
    admin::{Answer, Page},
    transport::BoxFuture,
};

/// The type of the page, as scrapers want it.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/metrics`; there before the service is, which is not scraped until it has started.
#[derive(Debug, Clone, Default)]
pub(in crate::app) struct Served(Arc<OnceLock<Metrics>>);

impl Served {
    /// Shows these from now on.
    pub(in crate::app) fn show(&self, metrics: &Metrics) {
        // It is started once.
        let _ = self.0.set(metrics.clone());
    }
}

impl Page for Served {
    fn path(&self) -> &'static str {
        "/metrics"
    }

    fn answer(&self, _trusted: bool) -> BoxFuture<'_, Answer> {
        Box::pin(async {
            match self.0.get() {
                Some(metrics) => Answer { status: 200, content_type: TEXT, body: metrics.page().await.into() },
                None => Answer { status: 503, content_type: TEXT, body: "# the service is starting\n".into() },
            }
        })
    }
}
