//! The pages below `/health`: 200 where the service is ready, 503 where it is not.

use std::sync::Arc;

use serde::Serialize;

use super::{Vitals, checks::Wait, report::HealthStatus};
use crate::{
    admin::{Answer, Page},
    transport::BoxFuture,
};

/// `/health`, `/health/live`, `/health/ready`.
pub(in crate::app) fn pages(vitals: &Arc<Vitals>) -> Vec<Arc<dyn Page>> {
    vec![Arc::new(Whole(vitals.clone())), Arc::new(Live), Arc::new(Ready(vitals.clone()))]
}

/// All that a probe has to know.
#[derive(Serialize)]
struct Bare {
    status: HealthStatus,
}

async fn answer(vitals: &Vitals, wait: Wait, trusted: bool) -> Answer {
    let health = vitals.health(wait).await;
    let status = if health.is_ready() { 200 } else { 503 };
    if trusted { Answer::json(status, &health) } else { Answer::json(status, &Bare { status: health.status }) }
}

/// `/health`: everything.
struct Whole(Arc<Vitals>);

impl Page for Whole {
    fn path(&self) -> &'static str {
        "/health"
    }

    fn answer(&self, trusted: bool) -> BoxFuture<'_, Answer> {
        Box::pin(answer(&self.0, Wait::All, trusted))
    }
}

/// `/health/ready`: as `/health`, without waiting for what does not decide, and the bare status for those without the token.
struct Ready(Arc<Vitals>);

impl Page for Ready {
    fn path(&self) -> &'static str {
        "/health/ready"
    }

    fn is_open(&self) -> bool {
        true
    }

    fn answer(&self, trusted: bool) -> BoxFuture<'_, Answer> {
        Box::pin(answer(&self.0, Wait::Critical, trusted))
    }
}

/// `/health/live`: that it answers is all there is to say. Whatever it asked besides would restart a service for what
/// a restart does not mend.
struct Live;

impl Page for Live {
    fn path(&self) -> &'static str {
        "/health/live"
    }

    fn is_open(&self) -> bool {
        true
    }

    fn answer(&self, _trusted: bool) -> BoxFuture<'_, Answer> {
        Box::pin(async { Answer::json(200, &Bare { status: HealthStatus::Up }) })
    }
}
