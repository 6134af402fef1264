//! The `PublisherSpec` of what was written; what was not is the default's.

use proc_macro2::{Literal, Span, TokenStream};
use quote::quote;
use syn::Ident;

use super::attribute::Options;
use crate::{constants, names::Private};

/// A constant expression.
pub(super) fn spec(keys: &Options, private: &Private) -> TokenStream {
    let some = |value: TokenStream| quote!(::core::option::Option::Some(#value));
    let confirm = keys.confirm.map(|confirm| {
        let confirm = some(constants::duration(confirm));
        quote!(confirm: #confirm,)
    });
    let batch = keys.batch.map(|batch| {
        let (messages, bytes) = (batch.messages, Literal::usize_suffixed(batch.bytes));
        let every = constants::duration(batch.every);
        let batch = some(quote!(#private::Batching { messages: #messages, bytes: #bytes, every: #every }));
        quote!(batch: #batch,)
    });
    let compression = keys.compression.map(|compression| {
        let variant = Ident::new(&format!("{compression:?}"), Span::call_site());
        quote!(compression: #private::Compression::#variant,)
    });
    let capacity = keys.capacity.map(|capacity| {
        let capacity = some(quote!(#capacity));
        quote!(capacity: #capacity,)
    });
    let unrouted = keys.unrouted.as_ref().map(|text| {
        let variant = match text.value().as_str() {
            "error" => quote!(Error),
            "ignore" => quote!(Ignore),
            _ => quote!(Warn),
        };
        let unrouted = some(quote!(#private::Unrouted::#variant));
        quote!(unrouted: #unrouted,)
    });
    let transport = keys.transport.as_ref().map(|text| quote!(transport: #text,));
    quote! {
        #private::PublisherSpec {
            #confirm #batch #compression #capacity #unrouted #transport
            ..#private::PublisherSpec::DEFAULT
        }
    }
}
