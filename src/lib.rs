#![doc = include_str!("../README.md")]

/// The pages of `docs/`, so that their examples are compiled.
#[cfg(doctest)]
mod docs {
    #[doc = include_str!("../docs/codecs.md")]
    struct Codecs;
    #[doc = include_str!("../docs/failures.md")]
    struct Failures;
    #[doc = include_str!("../docs/handlers.md")]
    struct Handlers;
    #[cfg(all(feature = "cache", feature = "jwt"))]
    #[doc = include_str!("../docs/middleware.md")]
    struct Middleware;
    #[doc = include_str!("../docs/publishing.md")]
    struct Publishing;
    #[doc = include_str!("../docs/sagas.md")]
    struct Sagas;
    #[doc = include_str!("../docs/testing.md")]
    struct Testing;
    #[cfg(all(feature = "cache", feature = "postgres"))]
    #[doc = include_str!("../docs/transactions.md")]
    struct Transactions;
}

#[cfg(feature = "macros")]
mod macros;

pub use swit_runtime::{
    alert::{self, Alert, AlertKind, AlertSink, Alerts},
    app::{
        App, BreakerState, CircuitBreaker, Component, ComponentKind, Graph, Handle, Handlers, Health, HealthStatus,
        Policies, Remaining, Running, Stage, SubscriberState, SubscriberStats, SubscriberStatus, Subscription,
        Unsubscribed, check, cli::main as cli, dead_letters, serve as run,
    },
    batch::{Batch, BatchOutcome, BatchReturn, Item},
    classify::{Backoff, BoxError, Class, Classification, Classify, Jitter},
    clock::Clock,
    codec::{self, Codec, DecodeError, EncodeError},
    compression::{self, CompressError, Compression, DecompressError},
    context::Context,
    error::{Error, PublishError, PublisherError, Result, StartupFault, StartupReport, SubscribeError, TransportError},
    error_classifier::{self, ErrorClassifier, RateLimited},
    error_handler::{Decision, ErrorHandler, FailedAttempt},
    event::{Event, Unrouted},
    extract::{
        Config, ConfigSection, Extension, FromDelivery, FromScope, Json, Metadata, MsgPack, OptionalFromDelivery,
        Payload, Protobuf, State,
    },
    headers::{HeaderValue, Headers},
    id::MessageId,
    limits::Limits,
    message::Message,
    metrics,
    middleware::{Middleware, Next, PublishMiddleware, PublishNext},
    middlewares,
    outcome::{ErrorAction, Failure, FailureKind, Outcome},
    pipeline::{Ack, Counts, Histogram, SettleError},
    publisher::{
        Confirmation, FailedPublication, OnPublishFailure, Publisher, PublisherConfig, PublisherStats, Sending,
    },
    registry::{Batching, Handler, PublisherRegistration, SubscriberRegistration},
    returns::{Emit, Publish, Return},
    scope::Service,
    store::{self, Database, Migrations, Statement, StoreError, Transaction, Tx},
    stores,
    text::Text,
    transport, transports, two_phase,
};

#[cfg(feature = "macros")]
pub use macros::{
    Classify, ConfigSection, Event, composite, event_handler, handlers, health_check, middleware, provider, publisher,
    saga, subscriber,
};
#[cfg(feature = "prometheus")]
pub use swit_runtime::app::Metrics;
#[cfg(feature = "testing")]
pub use swit_runtime::testing;
#[cfg(feature = "conformance")]
pub use swit_runtime::transport_conformance;

/// What a service shows of itself: its log, and its traces.
pub mod telemetry {
    #[cfg(feature = "traces")]
    pub use swit_runtime::{
        app::Traces,
        spans::{Layer, layer},
    };
    pub use swit_runtime::{
        app::init_telemetry as init,
        trace::{Flow, Ids},
    };
}

/// Sagas, as the functions of one and whoever starts one see them; written by [`#[saga]`](macro@saga).
pub mod sagas {
    pub use swit_runtime::{
        registry::Saga,
        saga::{
            Cause, Choreographed, IdempotencyKey, SagaError, SagaKey, SagaStatus, Sagas, Started, States, Undoing,
            Versioned,
        },
        store::SagaState,
    };
}

/// What nearly every service needs: `use swit::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Ack, Batch, BatchOutcome, Class, Classify, Config, ConfigSection, Context, ErrorAction, Event, Extension,
        Headers, Json, Message, MessageId, Metadata, Middleware, Next, Outcome, Publish, PublishError, PublishNext,
        Publisher, State, Tx,
    };

    #[cfg(feature = "macros")]
    pub use crate::{event_handler, middleware, provider, publisher, saga, subscriber};
}

/// What generated code names. Not an interface: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use swit_runtime::{
        batch::{Batch, BatchReturn, Verdicts, batch_item, beside},
        blocking,
        classifiers::{Linked, LinkedClassifier, wrapped},
        classify::{Asked, Backoff, BoxError, Class, Classification, Classifier, Classify, Jitter},
        codec::{Codec, DecodeError, EncodeError},
        composite::run as run_event_handlers,
        compression::Compression,
        context::Context,
        contract::{
            self,
            probe::{NoExtractor, NoOutput, NoPayload, NoReturn, NoScope, OutputProbe, Probe},
        },
        error::PublishError,
        event::{self, Event, EventDescriptor, Newer, Unrouted},
        extract::{ConfigSection, FromDelivery, FromScope, Requirements, argument, valid},
        id::MessageId,
        message::Message,
        middleware::{
            Middleware, MiddlewareReturn, Next, PublishMiddleware, PublishMiddlewareReturn, PublishNext,
            publish_failure,
        },
        outcome::{ErrorAction, Failure, FailureKind, Outcome},
        pipeline::{Worker, start, start_batch},
        publisher::bind,
        registry::*,
        returns::{Return, Tag, emitted, via},
        saga::{self, StartReturn, StepReturn},
        schema,
        scope::{Scope, Shared},
        store::Tx,
        text::Text,
        topic,
        transport::BoxFuture,
    };
}
