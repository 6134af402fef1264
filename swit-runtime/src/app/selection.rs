//! Which registrations an app is made of: all that were linked, or those that it names.

use crate::registry::{
    EventHandlerRef, EventHandlerRegistration, EventRegistration, Handler, HealthCheckRef, HealthCheckRegistration,
    LinkedCrates, MiddlewareRef, MiddlewareRegistration, ProviderRef, ProviderRegistration, PublishMiddlewareRef,
    PublishMiddlewareRegistration, PublisherRef, PublisherRegistration, SagaRef, SagaRegistration, SubscriberRef,
    SubscriberRegistration,
};

/// A selection of the registry, sorted by module and name: link order is undefined.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    pub(crate) subscribers: Vec<&'static SubscriberRegistration>,
    pub(crate) middleware: Vec<&'static MiddlewareRegistration>,
    pub(crate) publish_middleware: Vec<&'static PublishMiddlewareRegistration>,
    /// Those that arguments take are part of an app whether or not they stand here.
    pub(crate) publishers: Vec<&'static PublisherRegistration>,
    pub(crate) providers: Vec<&'static ProviderRegistration>,
    pub(crate) events: Vec<&'static EventRegistration>,
    /// Those of a composite are part of an app whether or not they stand here.
    pub(crate) event_handlers: Vec<&'static EventHandlerRegistration>,
    pub(crate) health_checks: Vec<&'static HealthCheckRegistration>,
    pub(crate) sagas: Vec<&'static SagaRegistration>,
    pub(crate) linked: Vec<&'static LinkedCrates>,
    /// Everything that was linked: gaps are faults, not choices.
    pub(crate) whole: bool,
}

impl Selection {
    /// Everything that was linked.
    pub(crate) fn all() -> Self {
        let mut selection = Self {
            subscribers: inventory::iter::<SubscriberRef>().map(|found| found.0).collect(),
            middleware: inventory::iter::<MiddlewareRef>().map(|found| found.0).filter(|found| found.global).collect(),
            publish_middleware: inventory::iter::<PublishMiddlewareRef>().map(|found| found.0).collect(),
            publishers: inventory::iter::<PublisherRef>().map(|found| found.0).collect(),
            providers: inventory::iter::<ProviderRef>().map(|found| found.0).collect(),
            events: inventory::iter::<EventRegistration>().collect(),
            event_handlers: inventory::iter::<EventHandlerRef>().map(|found| found.0).collect(),
            health_checks: inventory::iter::<HealthCheckRef>().map(|found| found.0).collect(),
            sagas: inventory::iter::<SagaRef>().map(|found| found.0).collect(),
            linked: inventory::iter::<LinkedCrates>().collect(),
            whole: true,
        };
        selection.sort();
        selection
    }

    /// By module and name, since the order of linking is undefined.
    pub(crate) fn sort(&mut self) {
        self.subscribers.sort_by_key(|found| (found.location.module, found.name));
        self.middleware.sort_by_key(|found| (found.location.module, found.name));
        self.publish_middleware.sort_by_key(|found| (found.location.module, found.name));
        self.publishers.sort_by_key(|found| (found.location.module, found.name));
        self.providers.sort_by_key(|found| (found.location.module, found.name));
        self.events.sort_by_key(|found| (found.location.module, found.name));
        self.event_handlers.sort_by_key(|found| (found.location.module, found.name));
        self.health_checks.sort_by_key(|found| (found.location.module, found.name));
        self.sagas.sort_by_key(|found| (found.location.module, found.name));
        self.linked.sort_by_key(|found| found.location);
    }

    /// These subscribers alone.
    pub(crate) fn only(subscribers: Vec<&'static SubscriberRegistration>) -> Self {
        Self { subscribers, linked: inventory::iter::<LinkedCrates>().collect(), ..Self::default() }
    }
}

/// Type twins of subscribers, in a tuple: what `App::only` takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name subscribers",
    note = "name functions that carry `#[subscriber]`, in a tuple: `App::only::<(confirm_order, ship_order)>()`; one alone is `(confirm_order,)`"
)]
pub trait Handlers {
    /// What they registered.
    fn registrations() -> Vec<&'static SubscriberRegistration>;
}

macro_rules! handlers_of_tuples {
    ($($name:ident)*) => {
        impl<$($name: Handler),*> Handlers for ($($name,)*) {
            fn registrations() -> Vec<&'static SubscriberRegistration> {
                vec![$($name::REGISTRATION),*]
            }
        }
    };
}
handlers_of_tuples!();
handlers_of_tuples!(A);
handlers_of_tuples!(A B);
handlers_of_tuples!(A B C);
handlers_of_tuples!(A B C D);
handlers_of_tuples!(A B C D E);
handlers_of_tuples!(A B C D E F);
handlers_of_tuples!(A B C D E F G);
handlers_of_tuples!(A B C D E F G H);
