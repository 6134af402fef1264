//! The code of a saga: its registration, the calls of its functions, and what brings its events in.
//!
//! ```text
//! const _: () = {
//!     fn __swit_call_0(cx: &mut Context) -> BoxFuture<…> { … }    // one for each step and compensation
//!     const _: () = compensates_in_doubt(…);                      // the contracts
//!     static __SWIT_SUBSCRIBER_0: &SubscriberRegistration = …;    // a subscriber for `#[start]`, and for each `#[wait]`
//!     static __SWIT_SAGA: SagaRegistration = …;                   // what the attributes say
//!     impl Saga for PlaceOrder { … }
//!     inventory::submit! { SagaRef(&__SWIT_SAGA) }
//! };
//! ```

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use super::{
    call,
    contracts::{contracts, takes_no_output, transacts},
    intake::Intake,
    links::Taken,
    source::Source,
    validate::{Call, Saga, Step},
};
use crate::{
    constants,
    names::{Private, spelled},
};

/// Everything beside the block.
pub(super) fn generate(saga: &Saga, intake: &Intake, private: &Private) -> TokenStream {
    let cfgs = &saga.cfgs;
    let (calls, steps): (Vec<_>, Vec<_>) =
        saga.steps.iter().enumerate().map(|(index, step)| self::step(saga, step, index, private)).unzip();
    let (contracts, registration) = (contracts(saga, private), registration(saga, &steps, intake, private));
    let subscribers = &intake.items;
    let implementation = implementation(saga, private);
    quote! {
        #cfgs
        #[allow(clippy::type_complexity, reason = "the types are the functions' own")]
        const _: () = {
            #[allow(unused_imports)]
            use #private::{NoExtractor as _, NoOutput as _};
            #(#calls)*
            #contracts
            #subscribers
            #registration
            #implementation
            #private::inventory::submit! { #private::SagaRef(&__SWIT_SAGA) }
        };
    }
}

fn registration(saga: &Saga, steps: &[TokenStream], intake: &Intake, private: &Private) -> TokenStream {
    let attribute = &saga.attribute;
    let (name, type_name) = (&attribute.name, spelled(&saga.ty));
    let location = location(saga.ty.span(), private);
    let (version, accepts, concurrency) = (attribute.version, &attribute.accepts, attribute.concurrency);
    let subscribers = &intake.registrations;
    let timeout = option(attribute.timeout.map(constants::duration));
    quote! {
        static __SWIT_SAGA: #private::SagaRegistration = #private::SagaRegistration {
            name: #name,
            type_name: #type_name,
            location: #location,
            version: #version,
            accepts: &[#(#accepts),*],
            timeout: #timeout,
            concurrency: #concurrency,
            steps: &[#(#steps),*],
            subscribers: &[#(#subscribers),*],
        };
    }
}

fn implementation(saga: &Saga, private: &Private) -> TokenStream {
    let (ty, key) = (&saga.ty, saga.key.text(&quote!(self), &saga.ty));
    let at = private.at(ty);
    // At the type, so that one that can't be kept is reported there.
    let head = quote_spanned!(ty.span()=> impl #at::Saga for #ty);
    quote! {
        #head {
            const REGISTRATION: &'static #private::SagaRegistration = &__SWIT_SAGA;

            fn key(&self) -> ::std::string::String {
                #key
            }
        }
    }
}

/// The functions that a step's registration names, and the registration.
fn step(saga: &Saga, step: &Step, index: usize, private: &Private) -> (TokenStream, TokenStream) {
    let (called, undone) = (format_ident!("__swit_call_{index}"), format_ident!("__swit_undo_{index}"));
    let mut functions = call::function(&called, saga, step, &step.call, private);
    let compensation = step.compensation.as_ref().map(|compensation| {
        functions.extend(call::function(&undone, saga, step, compensation, private));
        let (call, in_doubt) = (self::call(&undone, compensation, private), takes_no_output(compensation, private));
        quote!(#private::CompensationRegistration { call: #call, in_doubt: #in_doubt })
    });
    let (name, call) = (&step.name, self::call(&called, &step.call, private));
    let (after, compensation) = (option(step.after.map(constants::duration)), option(compensation));
    let wait = option(step.wait.as_ref().map(|wait| {
        let (within, optional) = (option(wait.within.map(constants::duration)), wait.optional);
        quote!(#private::Wait { within: #within, optional: #optional })
    }));
    let key = option(step.idempotency_key.as_ref().map(|source| idempotency_key(saga, source, private)));
    let registration = quote! {
        #private::StepRegistration {
            name: #name,
            call: #call,
            after: #after,
            wait: #wait,
            idempotency_key: #key,
            compensation: #compensation,
        }
    };
    (functions, registration)
}

/// A `SagaCall`.
fn call(called: &Ident, call: &Call, private: &Private) -> TokenStream {
    let (function, keys) = (call.marked.name(), &call.keys);
    let location = location(call.marked.ident().span(), private);
    let (retries, timeout) = (option(keys.retries), constants::duration(keys.timeout));
    let backoff = option(keys.backoff.as_ref().map(|backoff| constants::backoff(backoff, private)));
    let transacts = transacts(call, private);
    let types = call.arguments.iter().filter_map(Taken::extracted);
    quote! {
        #private::SagaCall {
            function: #function,
            location: #location,
            retries: #retries,
            backoff: #backoff,
            timeout: #timeout,
            transacts: #transacts,
            requires: |_out| { #(#private::Probe::<#types>::REQUIRES(_out);)* },
            call: #called,
        }
    }
}

fn idempotency_key(saga: &Saga, source: &Source, private: &Private) -> TokenStream {
    let (ty, text) = (&saga.ty, source.text(&quote!(&__saga), &saga.ty));
    quote! {
        |__cx| {
            let __saga: #ty = #private::saga::this::<#ty>(__cx)?;
            ::core::result::Result::Ok(#text)
        }
    }
}

/// Where a function stands, and not the attribute above all of them.
fn location(span: Span, private: &Private) -> TokenStream {
    // Outside of the compiler, where only tests are, there is no line.
    let line = if proc_macro::is_available() {
        let line = u32::try_from(span.unwrap().start().line()).unwrap_or_default();
        quote!(#line)
    } else {
        quote!(::core::line!())
    };
    quote! {
        #private::Location {
            module: ::core::module_path!(),
            file: ::core::file!(),
            line: #line,
        }
    }
}

fn option(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or_else(|| quote!(::core::option::Option::None), |value| quote!(::core::option::Option::Some(#value)))
}
