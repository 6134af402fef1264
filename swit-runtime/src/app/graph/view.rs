//! The graph as it is drawn.

use super::{Graph, Node, PublisherNode};
use crate::{
    app::graph_view::{EventHandlerView, EventView, GraphView, PublisherView, SagaView, SubscriberView},
    extract::Requirements,
    registry::{CompositeRegistration, SagaRegistration, StepRegistration},
    text::Text,
};

impl Graph {
    /// What `graph` draws: topics, subscribers, publishers, sagas, what they publish, middleware, dead letters.
    pub fn view(&self) -> GraphView {
        let events = self.events.iter().flat_map(|event| {
            let topics = event.descriptors.iter().map(|known| known.topic.to_owned());
            topics.map(|topic| EventView { name: event.name.to_owned(), topic })
        });
        GraphView {
            service: self.service.name.to_string(),
            subscribers: self.nodes.iter().map(|node| subscriber(node, &self.publishers, &self.sagas)).collect(),
            publishers: self.publishers.iter().map(publisher).collect(),
            sagas: self.sagas.iter().map(|saga| self.saga(saga)).collect(),
            events: events.collect(),
        }
    }
}

impl Graph {
    fn saga(&self, saga: &SagaRegistration) -> SagaView {
        SagaView {
            name: saga.name.to_owned(),
            version: saga.version,
            location: saga.location.to_string(),
            steps: saga.steps.iter().map(step).collect(),
            enabled: self.settings.runs_saga(saga.name),
        }
    }
}

fn step(step: &StepRegistration) -> String {
    let parts = [
        Some(step.name.to_owned()),
        step.after.map(|after| format!("after {}", humantime::format_duration(after))),
        step.wait.map(|_| "waits for its event".to_owned()),
        step.compensation.as_ref().map(|undo| format!("undone by {}", undo.call.function)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn publisher(node: &PublisherNode) -> PublisherView {
    let config = &node.config;
    let options = [
        config.capacity.map(|capacity| format!("async, capacity {capacity}")),
        config.batch.map(|batch| format!("batch of {}", batch.messages)),
    ];
    PublisherView {
        name: node.registration.name.to_owned(),
        topics: node.registration.events.iter().map(|event| event.topic.to_owned()).collect(),
        location: node.registration.location.to_string(),
        transport: config.transport.to_string(),
        options: options.into_iter().flatten().collect(),
    }
}

fn subscriber(node: &Node, publishers: &[PublisherNode], sagas: &[&'static SagaRegistration]) -> SubscriberView {
    let mut needs = Requirements::new();
    (node.registration.requires)(&mut needs);
    let takes =
        |publisher: &&PublisherNode| needs.publishers().iter().any(|needed| needed.id == (publisher.registration.id)());
    let composite = node.registration.composite;
    let handlers = composite.into_iter().flat_map(CompositeRegistration::handlers).map(|member| EventHandlerView {
        name: member.handler.name.to_owned(),
        order: member.handler.order,
        location: member.handler.location.to_string(),
    });
    let feeds = |saga: &SagaRegistration| saga.subscribers.iter().any(|feeder| feeder.name == &*node.registration.name);
    let sagas = sagas.iter().filter(|saga| feeds(saga) || needs.sagas().contains(&saga.name));
    let publishers = publishers.iter().filter(takes).map(|publisher| publisher.registration.name.to_owned());
    SubscriberView {
        name: node.registration.name.to_string(),
        group: node.group.to_string(),
        queue: node.queue.name.to_string(),
        topics: node.queue.patterns.iter().map(Text::to_string).collect(),
        location: node.registration.location.to_string(),
        middleware: node.middleware.iter().map(|(name, _)| name.to_string()).collect(),
        emits: node.emits.iter().map(|event| event.topic.to_owned()).collect(),
        publishers: publishers.collect(),
        sagas: sagas.map(|saga| saga.name.to_owned()).collect(),
        dead_letter: node.dead_letter.as_ref().map(Text::to_string),
        enabled: node.resolved.enabled,
        strategy: composite.map(|composite| composite.strategy.as_str().to_owned()),
        event_handlers: handlers.collect(),
    }
}
