//! A subscriber as it stands on the metrics page.

use crate::{consumer::View, text::Text, transport::Queue};

/// A subscriber that runs or drains, with what its series are labelled by.
pub(in crate::app) struct Row {
    pub(in crate::app) view: View,
    /// Its topics and patterns; where it consumes an existing queue, that.
    pub(in crate::app) topic: String,
}

impl Row {
    pub(super) fn new(view: View, queue: &Queue) -> Self {
        let patterns: Vec<&str> = queue.patterns.iter().map(Text::as_str).collect();
        let topic = if patterns.is_empty() { queue.name.to_string() } else { patterns.join(",") };
        Self { view, topic }
    }

    pub(in crate::app) fn subscriber(&self) -> &str {
        &self.view.plan().receiver.subscriber
    }

    /// Its topic, its group and its name.
    pub(in crate::app) fn labels(&self) -> [(&str, &str); 3] {
        let receiver = &self.view.plan().receiver;
        [("topic", &self.topic), ("consumer_group", &receiver.group), ("subscriber", &receiver.subscriber)]
    }
}
