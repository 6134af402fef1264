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

/// What subscribers counted that are gone: of sums that they share with others nothing may be missing, or who watches a
/// counter takes it for one that began anew.
///
/// There is no more of it than topics, and topics and groups, of subscribers that run.
#[derive(Debug, Clone, Default)]
pub(in crate::app) struct Retired {
    by_topic: BTreeMap<String, Counts>,
    by_group: BTreeMap<(String, Text), Counts>,
}

impl Retired {
    /// Takes in what one counted, as far as others have its topic, or its topic and group: what nobody has is shared by nobody.
    pub(super) fn add(&mut self, row: &Row, others: &[Row]) {
        let counts = row.view.counts();
        let with_topic = || others.iter().filter(|other| other.topic == row.topic);
        if with_topic().next().is_some() {
            self.by_topic.entry(row.topic.clone()).or_default().add_shared(&counts);
        } else {
            self.by_topic.remove(&row.topic);
        }
        let place = (row.topic.clone(), row.view.plan().receiver.group.clone());
        if with_topic().any(|other| other.group() == row.group()) {
            self.by_group.entry(place).or_default().add_shared(&counts);
        } else {
            self.by_group.remove(&place);
        }
    }

    /// What was counted of topics.
    pub(in crate::app) fn by_topic(&self) -> impl Iterator<Item = (&str, &Counts)> {
        self.by_topic.iter().map(|(topic, counts)| (&**topic, counts))
    }

    /// What was counted of topics and groups.
    pub(in crate::app) fn by_group(&self) -> impl Iterator<Item = ((&str, &str), &Counts)> {
        self.by_group.iter().map(|((topic, group), counts)| ((&**topic, &**group), counts))
    }
}
