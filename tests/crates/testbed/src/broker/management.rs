//! The management API of a node: its plugin, which a node has only if it is asked for, since it takes seconds to start.

use std::fs;

use super::{Broker, node::Node};
use crate::ports;

const PLUGINS: [&str; 3] = ["rabbitmq_management-", "rabbitmq_management_agent-", "rabbitmq_web_dispatch-"];

/// Enables the plugin in a node that was not started yet. Its port, and the lines of its configuration.
pub(super) fn install(node: &Node) -> (u16, Vec<String>) {
    let own = node.folder().join("rabbit");
    let sbin = fs::read_link(own.join("sbin")).expect("a link to the release");
    let release = sbin.parent().expect("a release is a folder");
    for entry in fs::read_dir(release.join("plugins")).expect("a release has a folder `plugins`").flatten() {
        let name = entry.file_name();
        if PLUGINS.iter().any(|plugin| name.to_string_lossy().starts_with(plugin)) {
            std::os::unix::fs::symlink(entry.path(), own.join("plugins").join(&name)).expect("a link can be made");
        }
    }
    fs::write(node.folder().join("enabled_plugins"), "[rabbitmq_management].\n").expect("the file can be written");
    let port = ports::free();
    (port, vec!["management.tcp.ip = 127.0.0.1".to_owned(), format!("management.tcp.port = {port}")])
}

impl Broker {
    /// Where the management API is, for `guest`.
    ///
    /// # Panics
    /// When the node was started without it.
    #[track_caller]
    pub fn management_url(&self) -> String {
        let port =
            self.management.expect("the node has no management API: start it by `Broker::options().management()`");
        format!("http://guest:guest@127.0.0.1:{port}")
    }
}
