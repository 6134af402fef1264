//! How `Publisher<…>` finds its outlet: by the type that names it.

use std::{any::TypeId, marker::PhantomData, sync::Arc};

use super::{Outlet, outlets::Outlets, path::Path};
use crate::{
    error::PublishError,
    registry::PublisherItem,
    scope::{Scope, Shared},
    text::Text,
};

/// The outlet of a named publisher, as state of the app.
struct Bound<P> {
    outlet: Outlet,
    publisher: PhantomData<fn() -> P>,
}

/// The state by which [`Publisher`](super::Publisher) of this type finds its outlet. Called by generated code.
pub fn bind<P: PublisherItem>(outlet: Outlet) -> (TypeId, Shared) {
    (TypeId::of::<Bound<P>>(), Arc::new(Bound::<P> { outlet, publisher: PhantomData }))
}

/// The outlet of the publisher of this type.
pub(super) fn outlet_of<P: PublisherItem>(scope: &Scope) -> Result<Outlet, PublishError> {
    let Some(registration) = P::REGISTRATION else { return plain(scope, "default") };
    let bound = scope.get::<Bound<P>>();
    let bound = bound.ok_or(PublishError::NoPublisher { name: Text::from_static(registration.name) })?;
    Ok(bound.outlet.clone())
}

/// The outlet without a name to this transport. A scope that no app has made has one for whoever asks.
pub(crate) fn plain(scope: &Scope, transport: &str) -> Result<Outlet, PublishError> {
    if let Some(outlets) = scope.get::<Outlets>() {
        return outlets.plain(transport);
    }
    let port = scope.publisher(transport).cloned();
    let port = port.ok_or_else(|| PublishError::NoTransport { name: Text::from(transport) })?;
    let path = Arc::new(Path::plain(Arc::new(super::home::Home::of(scope)), transport.into(), port, Box::default()));
    Ok(Outlet { path, background: None })
}
