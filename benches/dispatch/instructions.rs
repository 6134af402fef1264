//! Instructions a message, counted by valgrind: the same whatever else the machine is doing.

use std::process::Command;

use crate::{
    compare::{one_thread, two_threads},
    hand, order,
    report::Report,
    service::Service,
};

const FEW: u64 = 2_000;
const MANY: u64 = 12_000;

/// Runs one of the loops when this process is the one under valgrind.
pub(crate) fn child(arguments: &[String]) -> Option<()> {
    let [flag, which, messages] = arguments else { return None };
    if flag != "--counted" {
        return None;
    }
    let (messages, runtime) = (messages.parse().ok()?, one_thread());
    match which.as_str() {
        "swit4" => two_threads().block_on(async {
            let service = Service::start(4, 0).await;
            service.run(messages, order::payload()).await;
            service.stop().await;
        }),
        "hand" => {
            runtime.block_on(hand::one(messages, order::payload()));
        }
        "swit_uncounted" => runtime.block_on(async {
            let service = Service::configured(1, 0, "[telemetry]\nmetrics = false").await;
            service.run(messages, order::payload()).await;
            service.stop().await;
        }),
        "traced_not_sampled" | "traced_sampled" => runtime.block_on(async {
            let service = Service::start_traced(if which == "traced_sampled" { 1.0 } else { 0.0 }).await;
            service.run(messages, order::payload()).await;
            service.stop().await;
        }),
        _ => runtime.block_on(async {
            let service = Service::start(1, 0).await;
            service.run(messages, order::payload()).await;
            service.stop().await;
        }),
    }
    Some(())
}

/// The difference of two lengths of run, so that starting and stopping don't count.
pub(crate) fn measure(report: &mut Report) {
    for which in ["hand", "swit_uncounted", "swit", "traced_not_sampled", "traced_sampled"] {
        let counted = |messages| count(which, messages);
        let Some((few, many)) = counted(FEW).zip(counted(MANY)) else {
            report.add(&format!("{which}_instructions_per_message"), f64::NAN, "valgrind is not installed");
            continue;
        };
        let each = (many - few) / (MANY - FEW) as f64;
        report.add(&format!("{which}_instructions_per_message"), each, "instructions a message (callgrind)");
    }
}

fn count(which: &str, messages: u64) -> Option<f64> {
    let this = std::env::current_exe().ok()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args(["--counted", which, &messages.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}
