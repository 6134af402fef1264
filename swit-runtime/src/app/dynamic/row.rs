//! A subscriber as it stands on the metrics page, and what is left there of those that are gone.

use std::collections::BTreeMap;

use crate::{consumer::View, pipeline::Counts, text::Text, transport::Queue};

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

    pub(in crate::app) fn group(&self) -> &str {
        &self.view.plan().receiver.group
    }

    /// Its topic, its group and its name.
    pub(in crate::app) fn labels(&self) -> [(&str, &str); 3] {
        let receiver = &self.view.plan().receiver;
        [("topic", &self.topic), ("consumer_group", &receiver.group), ("subscriber", &receiver.subscriber)]
    }
}

/// What subscribers counted that are gone, by topic and group: of sums that they share with others nothing may be missing, or
/// who watches a counter takes it for one that began anew.
///
/// There is no more of it than topics of subscribers that run.
#[derive(Debug, Clone, Default)]
pub(in crate::app) struct Retired(BTreeMap<(String, Text), Counts>);

impl Retired {
    /// Takes in what one counted, unless nobody else has its topic: then nothing of that topic is left to be shared.
    pub(super) fn add(&mut self, row: &Row, is_shared: bool) {
        if is_shared {
            let group = row.view.plan().receiver.group.clone();
            self.0.entry((row.topic.clone(), group)).or_default().add_shared(&row.view.counts());
        } else {
            self.0.retain(|(topic, _), _| *topic != row.topic);
        }
    }

    /// Topic, group, and what was counted.
    pub(in crate::app) fn iter(&self) -> impl Iterator<Item = (&str, &str, &Counts)> {
        self.0.iter().map(|((topic, group), counts)| (&**topic, &**group, counts))
    }
}
