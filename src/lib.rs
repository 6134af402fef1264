//! swit: a framework for event-driven services.

pub use swit_runtime::{
    classify::{Backoff, Class, Classification, Classify},
    clock::Clock,
    codec::Codec,
    context::Context,
    error::{Error, PublishError, Result, TransportError},
    event::{Event, Unrouted},
    extract::{Config, ConfigSection, Extension, FromDelivery, FromScope, Json, Metadata, OptionalFromDelivery, State},
    headers::{HeaderValue, Headers},
    id::MessageId,
    limits::Limits,
    message::Message,
    middleware::{Middleware, Next},
    outcome::{ErrorAction, Failure, FailureKind, Outcome},
    publisher::Publisher,
    returns::{Emit, Publish, Return},
    scope::Service,
    text::Text,
    transport, transports,
};

#[cfg(feature = "conformance")]
pub use swit_runtime::transport_conformance;

/// What nearly every service needs: `use swit::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Class, Classify, Config, ConfigSection, Context, ErrorAction, Event, Extension, Headers, Json, Message,
        Metadata, Middleware, Next, Outcome, Publish, Publisher, State,
    };
}

/// What generated code names. Not an interface: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use swit_runtime::{
        classifiers::LinkedClassifier,
        classify::{Backoff, BoxError, Class, Classification, Classify},
        codec::{Codec, DecodeError, EncodeError},
        context::Context,
        event::{self, Event, EventDescriptor, Newer, Unrouted},
        extract::{ConfigSection, FromDelivery, FromScope, Requirements},
        message::Message,
        middleware::{Middleware, Next},
        outcome::{ErrorAction, Failure, FailureKind, Outcome},
        pipeline::{Worker, start},
        registry::*,
        returns::{Return, Tag, emitted, via},
        scope::{Scope, Shared},
        text::Text,
        topic,
        transport::BoxFuture,
    };
}
