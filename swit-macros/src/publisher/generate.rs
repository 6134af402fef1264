//! The code of a publisher: its registration, and what its struct publishes.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{
    attribute::{Partition, Publisher},
    contracts::contracts,
    item::Item,
    spec::spec,
};
use crate::names::{self, Private};

/// Everything beside the user's struct.
pub(super) fn generate(publisher: &Publisher, item: &Item, private: &Private) -> TokenStream {
    let cfgs = names::cfgs(&item.attributes);
    let (ident, type_name, name) = (&item.ident, item.name(), &publisher.name);
    let (location, spec) = (names::location(private), spec(&publisher.keys, private));
    let (contracts, implementation) = (contracts(publisher, private), implementation(publisher, item, private));
    let event = &publisher.event;
    quote! {
        #cfgs
        const _: () = {
            // The struct is only named; this is what it is constructed for.
            const _: #ident = #ident;
            // Asked by the probe, so that a type that is no event is reported once: as what is published.
            #[allow(unused_imports)]
            use #private::NoExtractor as _;
            #contracts
            static __SWIT_REGISTRATION: #private::PublisherRegistration = #private::PublisherRegistration {
                name: #name,
                type_name: #type_name,
                location: #location,
                spec: #spec,
                events: #private::Probe::<#event>::EVENTS,
                id: ::core::any::TypeId::of::<#ident>,
                bind: #private::bind::<#ident>,
            };
            impl #private::PublisherItem for #ident {
                const REGISTRATION: ::core::option::Option<&'static #private::PublisherRegistration> =
                    ::core::option::Option::Some(&__SWIT_REGISTRATION);
            }
            #implementation
            #private::inventory::submit! { #private::PublisherRef(&__SWIT_REGISTRATION) }
        };
    }
}

/// `impl Publishes<E>`, with the key that `partition` names; `PublishesIn<E>` for what publishes in transactions alone.
fn implementation(publisher: &Publisher, item: &Item, private: &Private) -> TokenStream {
    let (ident, event) = (&item.ident, &publisher.event);
    let (how, name) =
        if publisher.keys.transactional { ("PublishesIn", quote!(key_in)) } else { ("Publishes", quote!(key)) };
    // At the event, so that a type that is none is reported there.
    let how = syn::Ident::new(how, event.span());
    let key = match &publisher.keys.partition {
        Some(Partition::Field(field)) => {
            let at = private.at(field);
            let key = quote_spanned!(field.span()=> #at::event::MessageKey::key(&__event.#field));
            Some(quote! {
                fn #name(__event: &#event) -> ::core::option::Option<#private::Text> {
                    ::core::option::Option::Some(#key)
                }
            })
        }
        None | Some(Partition::Key(_)) => None,
    };
    let at = private.at(event);
    let of_event = quote_spanned!(event.span()=> #at::#how<#event>);
    quote! {
        impl #of_event for #ident {
            #key
        }
    }
}
