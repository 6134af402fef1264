//! The code of a subscriber: the type twin, its registration, its handler.
//!
//! ```text
//! pub struct confirm_order {}                                   // the twin
//! const _: () = {
//!     static __SWIT_REGISTRATION: SubscriberRegistration = …;   // what the attribute says
//!     const _: () = topics_cover_events(…);                     // the contracts
//!     impl Handler for confirm_order { … }                      // extract, call, split, classify
//!     inventory::submit! { SubscriberRef(&__SWIT_REGISTRATION) }
//! };
//! ```

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Path, Type, spanned::Spanned};

use super::{
    attribute::{Topics, Validate},
    batch,
    contracts::contracts,
    signature::{Handler, Then},
    spec::spec,
    validate::Subscriber,
    validation,
};
use crate::{
    extract::extract,
    names::{self, Private, ends, spelled},
    twin::with_twin,
};

/// Everything beside the user's function.
pub(super) fn generate(subscriber: &Subscriber, private: &Private) -> TokenStream {
    let (handler, keys) = (&subscriber.handler, &subscriber.keys);
    let items = [
        facts(handler, keys.topics.as_ref(), private),
        validation::items(handler, keys.validate.as_ref(), keys.is_json_alone(), private),
        registration(subscriber, private),
        contracts(subscriber, private),
        implementation(subscriber, private),
    ];
    let submit = quote!(#private::inventory::submit! { #private::SubscriberRef(&__SWIT_REGISTRATION) });
    with_twin(&handler.function, handler.ident(), &items, &submit)
}

/// What contracts and registration both name.
pub(crate) fn facts(handler: &Handler, topics: Option<&Topics>, private: &Private) -> TokenStream {
    let arguments = handler.arguments.iter().map(|ty| {
        let text = spelled(ty);
        quote! {
            #private::contract::Argument {
                type_name: #text,
                extracts: #private::Probe::<#ty>::EXTRACTS,
                events: #private::Probe::<#ty>::EVENTS,
                settles: #private::Probe::<#ty>::SETTLES,
                transacts: #private::Probe::<#ty>::TRANSACTS,
            }
        }
    });
    let topics = topics.map(written);
    quote! {
        #[allow(unused_imports)]
        use #private::{NoExtractor as _, NoReturn as _};
        #topics
        const __SWIT_ARGUMENTS: &[#private::contract::Argument] = &[#(#arguments),*];
    }
}

/// The topics that were written.
pub(crate) fn written(topics: &Topics) -> TokenStream {
    let entries = &topics.entries;
    quote!(const __SWIT_TOPICS: &[&::core::primitive::str] = &[#(#entries),*];)
}

/// The fields of a registration that say what its function reads, returns and requires.
pub(crate) fn fields(handler: &Handler, private: &Private) -> TokenStream {
    let (arguments, returns) = (&handler.arguments, &handler.returns);
    let beside = handler.then.iter().flat_map(|then| &then.requires);
    quote! {
        events: |_out| { #(_out.extend_from_slice(#private::Probe::<#arguments>::EVENTS);)* },
        emits: #private::Probe::<#returns>::EMITS,
        requires: |_out| {
            #(#private::Probe::<#arguments>::REQUIRES(_out);)*
            #(<#beside as #private::FromDelivery>::requires(_out);)*
        },
    }
}

fn registration(subscriber: &Subscriber, private: &Private) -> TokenStream {
    let handler = &subscriber.handler;
    let (ident, fields) = (handler.ident(), fields(handler, private));
    let (name, function) = (&subscriber.name, handler.function.name());
    let (location, spec) = (names::location(private), spec(&subscriber.keys, private));
    let middleware = &subscriber.keys.middleware;
    let start = if subscriber.together.is_some() { quote!(start_batch) } else { quote!(start) };
    quote! {
        static __SWIT_REGISTRATION: #private::SubscriberRegistration = #private::SubscriberRegistration {
            name: #name,
            function: #function,
            location: #location,
            spec: #spec,
            middleware: &[#(<#middleware as #private::MiddlewareItem>::REGISTRATION),*],
            #fields
            start: #private::#start::<#ident>,
            composite: ::core::option::Option::None,
        };
    }
}

fn implementation(subscriber: &Subscriber, private: &Private) -> TokenStream {
    let (handler, keys) = (&subscriber.handler, &subscriber.keys);
    let ident = handler.ident();
    let (beside, call) = match &subscriber.together {
        None => {
            let call = call(handler, keys.validate.as_ref(), keys.on_error.as_ref(), keys.blocking, private);
            (TokenStream::new(), call)
        }
        Some(together) => batch::implementations(subscriber, together, private),
    };
    quote! {
        #beside
        impl #private::Handler for #ident {
            const REGISTRATION: &'static #private::SubscriberRegistration = &__SWIT_REGISTRATION;

            #call
        }
    }
}

/// `async fn call`: extract, validate, call, split, classify.
pub(crate) fn call(
    handler: &Handler,
    validate: Option<&Validate>,
    on_error: Option<&Path>,
    blocking: bool,
    private: &Private,
) -> TokenStream {
    let (ident, returns) = (handler.ident(), &handler.returns);
    let names: Vec<Ident> = (0..handler.arguments.len()).map(|index| format_ident!("__argument_{index}")).collect();
    let validated = validation::before(validate, private);
    let extract = extract(&handler.arguments, &names, private);
    let valid = validation::after(validate, &names, private);
    // At the function's name, so that a future that is not `Send` is reported there.
    let (outcome, cx) = (private.at(ident), format_ident!("__cx"));
    let header = quote_spanned!(ident.span()=> async fn call(#cx: &mut #outcome::Context) -> #outcome::Outcome);
    if let Some(Then { code, .. }) = &handler.then {
        return quote! {
            #header {
                #validated
                #extract
                #valid
                #code
            }
        };
    }
    let call = if blocking {
        let private = private.at(ident);
        quote_spanned!(ident.span()=> #private::blocking::run(move || #ident(#(#names),*)).await)
    } else {
        quote_spanned!(ident.span()=> #ident(#(#names),*).await)
    };
    let failed = failed(returns, on_error, private);
    let (split, emitted) = (
        of_return("Return", returns, &quote!(split(__returned)), private),
        of_return("Return", returns, &quote!(emitted(__value, __cx)), private),
    );
    quote! {
        #header {
            #validated
            #extract
            #valid
            let __returned: #returns = #call;
            match #split {
                ::core::result::Result::Ok(__value) => #emitted,
                ::core::result::Result::Err(__error) => { #failed }
            }
        }
    }
}

/// `<R as Return>::…`, from the return type's first token to its last.
pub(super) fn of_return(of: &str, returns: &Type, call: &TokenStream, private: &Private) -> TokenStream {
    let (at, (first, last)) = (private.at(returns), ends(returns));
    let of = Ident::new(of, first);
    let mut tokens = quote_spanned!(first=> <#returns as #at::#of>::);
    tokens.extend(call.clone().into_iter().map(|mut token| {
        token.set_span(last);
        token
    }));
    tokens
}

/// What becomes of `__error`.
pub(crate) fn failed(returns: &Type, on_error: Option<&Path>, private: &Private) -> TokenStream {
    let span = returns.span();
    let traits = quote! {
        #[allow(unused_imports)]
        use #private::via::{ViaBox as _, ViaClassify as _, ViaDyn as _, ViaNone as _};
    };
    let Some(path) = on_error else {
        let private = private.at(returns);
        let failure = quote_spanned!(span=> (&&&&#private::Tag::under(&__error, &*__cx)).failure(__error));
        return quote! {
            #traits
            #private::Outcome::Failed(#failure)
        };
    };
    let asked = private.at(path);
    let ask = quote_spanned!(path.span()=> let __action: #asked::ErrorAction = #path(&*__cx, &__error).await;);
    let preview = quote_spanned!(span=> (&&&&__tag).preview(&__error));
    let failure = quote_spanned!(span=> (&&&&__tag).failure(__error));
    quote! {
        #traits
        let __tag = #private::Tag::under(&__error, &*__cx);
        __cx.set_pending(#preview);
        #ask
        __cx.take_pending();
        #private::Outcome::Failed(#failure.with_action(__action))
    }
}
