//! `batch(…)`: the argument that is a batch, what may not stand beside it, and the code of a handler that takes one.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{GenericArgument, Ident, PathArguments, Type, spanned::Spanned};

use super::{attribute::Raw, generate::of_return, signature::Handler, validate::Subscriber, validation};
use crate::{
    names::{Private, ends},
    report::Errors,
};

/// The argument that is a batch. Among the handler's arguments stands what it is of.
pub(super) struct Together {
    index: usize,
}

/// Finds the batch among the arguments, and puts what it is of in its place.
pub(super) fn together(keys: &Raw, handler: &mut Handler, errors: &Errors) -> Option<Together> {
    let function = handler.function.name();
    let Some(key) = keys.says_batch.as_ref() else {
        if let Some(batch) = handler.arguments.iter().find(|ty| batch_of(ty).is_some()) {
            let help = "say when it is full: `#[subscriber(…, batch(max = 100, within = \"100ms\"))]`";
            errors.at(batch, format_args!("`{function}` takes a `Batch`, but has no `batch`"), help);
        }
        return None;
    };
    for path in &keys.middleware {
        let message = format_args!("`middleware` runs around one message, but `{function}` takes many (`batch`)");
        errors.at(path, message, "remove it from the list; what it does for each message goes into the handler");
    }
    if let Some(path) = &keys.on_error {
        let message = format_args!("`on_error` is asked about one message, but `{function}` takes many (`batch`)");
        let help =
            "remove it; say what comes of each item in a `BatchOutcome`, and the class of errors with `Classify`";
        errors.at(path, message, help);
    }
    let mut found = handler.arguments.iter().enumerate().filter_map(|(index, ty)| Some((index, ty, batch_of(ty)?)));
    let Some((index, _, item)) = found.next() else {
        let help = "write `items: Batch<OrderCreated>` among the arguments, by this name, or remove `batch`";
        errors.at(key, format_args!("`{function}` takes no `Batch`"), help);
        return None;
    };
    if let Some((_, second, _)) = found.next() {
        let help = "take one; for several events, a batch of an enum of them";
        errors.at(second, format_args!("`{function}` takes two batches"), help);
        return None;
    }
    let item = item.clone();
    handler.arguments[index] = item;
    Some(Together { index })
}

/// `T` of `Batch<T>`, whatever path leads there.
fn batch_of(ty: &Type) -> Option<&Type> {
    let path = match ty {
        Type::Path(path) => path,
        // As a macro hands it on.
        Type::Group(group) => return batch_of(&group.elem),
        Type::Paren(paren) => return batch_of(&paren.elem),
        _ => return None,
    };
    let last = path.path.segments.last().filter(|segment| segment.ident == "Batch")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(item)) if arguments.args.len() == 1 => Some(item),
        _ => None,
    }
}

/// `impl BatchHandler`, and the `async fn call` of `impl Handler`.
pub(super) fn implementations(
    subscriber: &Subscriber,
    together: &Together,
    private: &Private,
) -> (TokenStream, TokenStream) {
    let (handler, ident) = (&subscriber.handler, subscriber.handler.ident());
    let item = &handler.arguments[together.index];
    let (take, call) = (take(subscriber, together, private), call(subscriber, together, private));
    let batch_handler = quote! {
        impl #private::BatchHandler for #ident {
            type Item = #item;

            #take
            #call
        }
    };
    let alone = quote! {
        async fn call(__cx: &mut #private::Context) -> #private::Outcome {
            #private::batch_of_one::<Self>(__cx).await
        }
    };
    (batch_handler, alone)
}

/// Decodes and validates one.
fn take(subscriber: &Subscriber, together: &Together, private: &Private) -> TokenStream {
    let item = &subscriber.handler.arguments[together.index];
    let validate = subscriber.keys.validate.as_ref();
    let name = format_ident!("__item");
    let (before, after) =
        (validation::before(validate, private), validation::after(validate, std::slice::from_ref(&name), private));
    // At the type, so that one that is no payload is reported there.
    let (at, (first, last)) = (private.at(item), ends(item));
    let mut argument = quote_spanned!(first=> #at::batch_item::<#item);
    argument.extend(quote_spanned!(last=> >(__cx).await));
    quote! {
        async fn take(
            __cx: &mut #private::Context,
            __into: &mut ::core::option::Option<#item>,
        ) -> #private::Outcome {
            #before
            let #name = match #argument {
                ::core::result::Result::Ok(__value) => __value,
                ::core::result::Result::Err(__failure) => return #private::Outcome::Failed(__failure),
            };
            #after
            *__into = ::core::option::Option::Some(#name);
            #private::Outcome::Success
        }
    }
}

/// Takes what stands beside the batch, calls, splits, classifies.
fn call(subscriber: &Subscriber, together: &Together, private: &Private) -> TokenStream {
    let (handler, ident) = (&subscriber.handler, subscriber.handler.ident());
    let (returns, item) = (&handler.returns, &handler.arguments[together.index]);
    let names: Vec<Ident> = (0..handler.arguments.len()).map(|index| format_ident!("__argument_{index}")).collect();
    let batch = &names[together.index];
    let beside = handler.arguments.iter().zip(&names).filter(|(_, name)| *name != batch).map(|(ty, name)| {
        let (at, (first, last)) = (private.at(ty), ends(ty));
        let mut argument = quote_spanned!(first=> #at::beside::<#ty);
        argument.extend(quote_spanned!(last=> >(&*__cx)));
        quote! {
            let #name = match #argument {
                ::core::result::Result::Ok(__value) => __value,
                ::core::result::Result::Err(__failure) => {
                    return #private::Verdicts::all(#private::Outcome::Failed(__failure));
                }
            };
        }
    });
    let call = if subscriber.keys.blocking {
        let private = private.at(ident);
        quote_spanned!(ident.span()=> #private::blocking::run(move || #ident(#(#names),*)).await)
    } else {
        quote_spanned!(ident.span()=> #ident(#(#names),*).await)
    };
    // At the function's name, so that a future that is not `Send` is reported there.
    let (at, cx) = (private.at(ident), format_ident!("__cx"));
    let header = quote_spanned! {ident.span()=>
        async fn call_batch(#cx: &mut #at::Context, #batch: #at::Batch<#item>) -> #at::Verdicts
    };
    let split = of_return("BatchReturn", returns, &quote!(split(__returned)), private);
    let settled = of_return("BatchReturn", returns, &quote!(settled(__value, __items)), private);
    let (at, span) = (private.at(returns), returns.span());
    let failure = quote_spanned!(span=> (&&&&#at::Tag::under(&__error, &*__cx)).failure(__error));
    quote! {
        #header {
            let __items = #batch.len();
            #(#beside)*
            let __returned: #returns = #call;
            match #split {
                ::core::result::Result::Ok(__value) => #settled,
                ::core::result::Result::Err(__error) => {
                    #[allow(unused_imports)]
                    use #private::via::{ViaBox as _, ViaClassify as _, ViaDyn as _, ViaNone as _};
                    #private::Verdicts::all(#private::Outcome::Failed(#failure))
                }
            }
        }
    }
}
