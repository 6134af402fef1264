//! The graph of a service as a picture: topics, subscribers with their middleware, named publishers, what they
//! publish, dead letters.
//!
//! [`GraphView`] is a plain description; [`GraphView::mermaid`] and [`GraphView::dot`] write it. The same description
//! gives the same text, byte for byte, in whatever order its parts are listed, so that it can be committed and compared.
//! Names may hold anything: they are escaped, and ids are made from them without loss.

mod dot;
mod graph;
mod mermaid;
mod view;

pub use view::{EventHandlerView, EventView, GraphView, PublisherView, SagaView, SubscriberView};
