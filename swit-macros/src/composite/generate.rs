//! The code of a composite: a type, the registration of its subscriber, its handler, which runs the event handlers.
//!
//! ```text
//! pub struct orders_created {}
//! const _: () = {
//!     static __SWIT_COMPOSITE: CompositeRegistration = …;     // its strategy, its handlers
//!     static __SWIT_REGISTRATION: SubscriberRegistration = …; // what its keys say
//!     impl Handler for orders_created { … }                   // run(&__SWIT_COMPOSITE, cx)
//!     impl Composite for orders_created { … }                 // what event handlers name
//!     inventory::submit! { SubscriberRef(&__SWIT_REGISTRATION) }
//! };
//! ```

use proc_macro2::TokenStream;
use quote::quote;

use super::validate::{Composite, Strategy};
use crate::{
    names::{self, Private},
    subscriber::{contracts::of_keys, generate::written, spec::spec},
    twin::alone,
};

/// Everything.
pub(super) fn generate(composite: &Composite, private: &Private) -> TokenStream {
    let item = &composite.item;
    let topics = composite.keys.topics.as_ref().map(written).unwrap_or_default();
    let items = [topics, registrations(composite, private), of_keys(&composite.keys, &function(composite), private)];
    let submit = quote!(#private::inventory::submit! { #private::SubscriberRef(&__SWIT_REGISTRATION) });
    alone(&item.attributes, &item.visibility, &item.ident, &items, &submit)
}

fn function(composite: &Composite) -> String {
    composite.item.ident.to_string().trim_start_matches("r#").to_owned()
}

fn registrations(composite: &Composite, private: &Private) -> TokenStream {
    let Composite { item, name, strategy, keys } = composite;
    let (ident, function, location) = (&item.ident, function(composite), names::location(private));
    let (spec, middleware) = (spec(keys, private), &keys.middleware);
    let strategy = match strategy {
        Strategy::Sequential => quote!(#private::Strategy::Sequential),
        Strategy::Parallel => quote!(#private::Strategy::Parallel),
        Strategy::FailFast => quote!(#private::Strategy::FailFast),
        Strategy::BestEffort => quote!(#private::Strategy::BestEffort),
    };
    quote! {
        static __SWIT_COMPOSITE: #private::CompositeRegistration = #private::CompositeRegistration {
            strategy: #strategy,
            subscriber: &__SWIT_REGISTRATION,
            members: || {
                static __SWIT_MEMBERS: #private::Members = #private::Members::new();
                &__SWIT_MEMBERS
            },
        };
        static __SWIT_REGISTRATION: #private::SubscriberRegistration = #private::SubscriberRegistration {
            name: #name,
            function: #function,
            location: #location,
            spec: #spec,
            middleware: &[#(<#middleware as #private::MiddlewareItem>::REGISTRATION),*],
            events: |_out| __SWIT_COMPOSITE.events(_out),
            emits: |_out| __SWIT_COMPOSITE.emits(_out),
            requires: |_out| __SWIT_COMPOSITE.requires(_out),
            start: #private::start::<#ident>,
            composite: ::core::option::Option::Some(&__SWIT_COMPOSITE),
        };
        impl #private::Handler for #ident {
            const REGISTRATION: &'static #private::SubscriberRegistration = &__SWIT_REGISTRATION;

            async fn call(__cx: &mut #private::Context) -> #private::Outcome {
                #private::run_event_handlers(&__SWIT_COMPOSITE, __cx).await
            }
        }
        impl #private::Composite for #ident {
            const COMPOSITE: &'static #private::CompositeRegistration = &__SWIT_COMPOSITE;
        }
    }
}
