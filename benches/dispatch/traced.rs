//! What traces cost: a message that is published and handled, which makes two spans, or would.

use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};

use crate::{
    compare::{Effort, alternate, one_thread},
    report::Report,
    service::Service,
};

/// Takes spans and does nothing with them: what exporting costs is the exporter's.
#[derive(Debug)]
pub(crate) struct Nowhere;

impl SpanProcessor for Nowhere {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: std::time::Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Not traced, traced but not sampled, sampled.
pub(crate) fn measure(report: &mut Report, effort: Effort) {
    let runtime = one_thread();
    let start = |sample| runtime.block_on(Service::start_traced(sample));
    let services = vec![runtime.block_on(Service::start(1, 0)), start(0.0), start(1.0)];
    let times = alternate(&runtime, services, effort);
    let [plain, not_sampled, sampled] = [times[0], times[1], times[2]];
    report.add(
        "ns_traced_not_sampled",
        not_sampled - plain,
        "ns a message, published and handled, not sampled (budget 150 a span)",
    );
    report.add("ns_traced_sampled", sampled - plain, "ns a message, published and handled, sampled, without exporting");
}
