//! The code of an event handler: the type twin, its registration, its call.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::attribute::{EventHandler, Owner};
use crate::{
    names::{self, Private, spelled},
    subscriber::{
        generate::{call, facts, fields},
        validation,
    },
    twin::with_twin,
};

/// Everything beside the user's function.
pub(super) fn generate(event_handler: &EventHandler, private: &Private) -> TokenStream {
    let handler = &event_handler.handler;
    let items = [
        facts(handler, None, private),
        validation::items(handler, event_handler.validate.as_ref(), false, private),
        registration(event_handler, private),
        contracts(event_handler, private),
        implementation(event_handler, private),
    ];
    let submit = quote!(#private::inventory::submit! { #private::EventHandlerRef(&__SWIT_REGISTRATION) });
    with_twin(&handler.function, handler.ident(), &items, &submit)
}

fn registration(event_handler: &EventHandler, private: &Private) -> TokenStream {
    let EventHandler { owner, order, name, handler, validate, inbox, .. } = event_handler;
    let inbox = inbox.is_some();
    let schema = validation::field(validate.as_ref());
    let (ident, function, location) = (handler.ident(), handler.function.name(), names::location(private));
    let fields = fields(handler, private);
    let owner = match owner {
        Owner::Path(path) => {
            let composite = composite(path, private);
            quote!(#private::Owner::Path(#composite))
        }
        Owner::Name(name) => quote!(#private::Owner::Name(#name)),
    };
    quote! {
        static __SWIT_REGISTRATION: #private::EventHandlerRegistration = #private::EventHandlerRegistration {
            name: #name,
            function: #function,
            location: #location,
            owner: #owner,
            order: #order,
            #fields
            schema: #schema,
            inbox: #inbox,
            call: #private::call_event_handler::<#ident>,
        };
    }
}

/// What the composite of this path registered, said at the path: one that leads to something else is reported there.
fn composite(path: &syn::Path, private: &Private) -> TokenStream {
    let private = private.at(path);
    quote_spanned!(path.span()=> <#path as #private::Composite>::COMPOSITE)
}

/// What only the compiler can check. A composite that is named by its text is held to the same when the service starts.
fn contracts(event_handler: &EventHandler, private: &Private) -> TokenStream {
    let handler = &event_handler.handler;
    let (function, ident) = (handler.function.name(), handler.ident());
    let at = private.at(ident);
    let mut all = quote_spanned! {ident.span()=>
        const _: () = #at::contract::leaves_settling(#function, __SWIT_ARGUMENTS);
    };
    all.extend(match &event_handler.inbox {
        Some(key) => {
            let at = private.located(key.span());
            quote_spanned!(key.span()=> const _: () = #at::contract::transacts_once(#function, __SWIT_ARGUMENTS);)
        }
        None => {
            quote_spanned!(ident.span()=> const _: () = #at::contract::transacts_nowhere(#function, __SWIT_ARGUMENTS);)
        }
    });
    if let Owner::Path(path) = &event_handler.owner {
        let (composite, text, at) = (composite(path, private), spelled(path), private.at(path));
        all.extend(quote_spanned! {path.span()=>
            const _: () = #at::contract::fits_the_composite(#function, #text, #composite, __SWIT_ARGUMENTS);
        });
    }
    all
}

fn implementation(event_handler: &EventHandler, private: &Private) -> TokenStream {
    let EventHandler { handler, on_error, blocking, validate, .. } = event_handler;
    let (ident, call) = (handler.ident(), call(handler, validate.as_ref(), on_error.as_ref(), *blocking, private));
    quote! {
        impl #private::EventHandler for #ident {
            const REGISTRATION: &'static #private::EventHandlerRegistration = &__SWIT_REGISTRATION;

            #call
        }
    }
}
