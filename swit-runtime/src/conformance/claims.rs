//! The list of capabilities that the suite was chosen by is the transport's own.

use super::Rig;
use crate::transport::Capabilities;

/// Fails if these are not the transport's capabilities.
pub fn claims(rig: &Rig, listed: &[&str]) {
    let mut claimed = Capabilities::default();
    for name in listed {
        *match *name {
            "patterns" => &mut claimed.patterns,
            "delay" => &mut claimed.delay,
            "ttl" => &mut claimed.ttl,
            "delayed_ttl" => &mut claimed.delayed_ttl,
            "priority" => &mut claimed.priority,
            "reject" => &mut claimed.reject,
            "redelivery_count" => &mut claimed.redelivery_count,
            "backpressure" => &mut claimed.backpressure,
            "durable" => &mut claimed.durable,
            "inspect" => &mut claimed.inspect,
            unknown => panic!("there is no capability `{unknown}`"),
        } = true;
    }
    let capabilities = rig.transport.capabilities();
    assert_eq!(capabilities, claimed, "list exactly the capabilities that the transport has");
    assert_eq!(capabilities.inspect, rig.transport.inspect().is_some(), "`inspect` is claimed but not given, or given");
}
