//! The code that calls one function of a saga: its arguments, the call, what it comes to.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Type, spanned::Spanned};

use super::{
    links::Taken,
    validate::{Call, Saga, Step, Wait},
};
use crate::names::{Private, ends};

/// `fn called(&mut Context) -> …`, which calls the function.
pub(super) fn function(called: &Ident, saga: &Saga, step: &Step, call: &Call, private: &Private) -> TokenStream {
    let (ident, ty, returns) = (call.marked.ident(), &saga.ty, &call.returns);
    let names: Vec<Ident> = (0..call.arguments.len()).map(|index| format_ident!("__argument_{index}")).collect();
    let arguments = call.arguments.iter().zip(&names).map(|(taken, name)| argument(taken, name, step, private));
    let saga = call.marked.takes_self.then(|| {
        quote! {
            let __saga: #ty = match #private::saga::this::<#ty>(&*__cx) {
                ::core::result::Result::Ok(__value) => __value,
                ::core::result::Result::Err(__failure) => return ::core::result::Result::Err(__failure),
            };
        }
    });
    let receiver = call.marked.takes_self.then(|| quote!(&__saga,));
    let call = quote_spanned!(ident.span()=> <#ty>::#ident(#receiver #(#names),*).await);
    let ended = {
        let (at, (first, last)) = (private.at(returns), ends(returns));
        let mut ended = quote_spanned!(first=> #at::saga::ended::<#returns);
        ended.extend(quote_spanned!(last=> >(__returned)));
        ended
    };
    let failure = {
        let private = private.at(returns);
        quote_spanned!(returns.span()=> (&&&&#private::Tag::under(&__error, &*__cx)).failure(__error))
    };
    // At the function's name, so that a future that is not `Send` is reported there.
    let body = quote_spanned! {ident.span()=>
        ::std::boxed::Box::pin(async move {
            #saga
            #(#arguments)*
            let __returned: #returns = #call;
            match #ended {
                ::core::result::Result::Ok(__written) => __written,
                ::core::result::Result::Err(__error) => {
                    #[allow(unused_imports)]
                    use #private::via::{ViaBox as _, ViaClassify as _, ViaDyn as _, ViaNone as _};
                    ::core::result::Result::Err(#failure)
                }
            }
        })
    };
    quote! {
        fn #called(
            __cx: &mut #private::Context,
        ) -> #private::BoxFuture<'_, ::core::result::Result<::std::string::String, #private::Failure>> {
            #body
        }
    }
}

/// `let` for one argument; one that can't be had ends the attempt.
fn argument(taken: &Taken, name: &Ident, step: &Step, private: &Private) -> TokenStream {
    let ty = taken.ty();
    // From the type's first token to its last: what is wrong with it is reported there.
    let (at, (first, last)) = (private.at(ty), ends(ty));
    let (mut value, arguments) = match taken {
        Taken::Extracted(ty) => (quote_spanned!(first=> #at::argument::<#ty), quote!(__cx)),
        Taken::Event(ty) => match step.wait.as_ref().filter(|wait| wait.optional) {
            Some(Wait { event, .. }) => (quote_spanned!(first=> #at::saga::event::<#event), quote!(__cx)),
            None => (quote_spanned!(first=> #at::saga::arrived::<#ty), quote!(__cx)),
        },
        Taken::Own { step, returns, ty } => {
            let output = output_of(returns, private);
            (quote_spanned!(first=> #at::saga::own_output::<#output, #ty), quote!(&*__cx, #step))
        }
        Taken::Earlier { step, returns, ty } => {
            let output = output_of(returns, private);
            (quote_spanned!(first=> #at::saga::earlier::<#output, #ty), quote!(&*__cx, #step))
        }
    };
    value.extend(match taken {
        Taken::Extracted(_) | Taken::Event(_) => quote_spanned!(last=> >(#arguments).await),
        Taken::Own { .. } | Taken::Earlier { .. } => quote_spanned!(last=> >(#arguments)),
    });
    quote! {
        let #name = match #value {
            ::core::result::Result::Ok(__value) => __value,
            ::core::result::Result::Err(__failure) => return ::core::result::Result::Err(__failure),
        };
    }
}

/// What a function's return type leaves for later steps; said at that type, once.
fn output_of(returns: &Type, private: &Private) -> TokenStream {
    let (at, (first, last)) = (private.at(returns), ends(returns));
    let mut output = quote_spanned!(first=> <#returns as #at::StepReturn);
    output.extend(quote_spanned!(last=> >::Output));
    output
}
