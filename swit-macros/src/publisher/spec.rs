//! The `PublisherSpec` of what was written; what was not is the default's.

use proc_macro2::{Literal, Span, TokenStream};
use quote::quote;
use syn::{Ident, LitStr};

use super::attribute::Options;
use crate::{constants, names::Private};

/// A constant expression that names every field: an update that has nothing left to add would be a lint in the user's crate.
pub(super) fn spec(keys: &Options, private: &Private) -> TokenStream {
    let some = |value: TokenStream| quote!(::core::option::Option::Some(#value));
    let default = quote!(#private::PublisherSpec::DEFAULT);
    let or = |value: Option<TokenStream>, field: &str| {
        let field = Ident::new(field, Span::mixed_site());
        let value = value.unwrap_or_else(|| quote!(#default.#field));
        quote!(#field: #value)
    };
    let batch = keys.batch.map(|batch| {
        let (messages, bytes) = (batch.messages, Literal::usize_suffixed(batch.bytes));
        let every = constants::duration(batch.every);
        some(quote!(#private::Batching { messages: #messages, bytes: #bytes, every: #every }))
    });
    let compression = keys.compression.as_ref().map(|text| compression(text, private));
    let unrouted = keys.unrouted.as_ref().map(|text| {
        let variant = match text.value().as_str() {
            "error" => quote!(Error),
            "ignore" => quote!(Ignore),
            _ => quote!(Warn),
        };
        some(quote!(#private::Unrouted::#variant))
    });
    let fields = [
        or(keys.confirm.map(|confirm| some(constants::duration(confirm))), "confirm"),
        or(batch, "batch"),
        or(compression, "compression"),
        or(keys.capacity.map(|capacity| some(quote!(#capacity))), "capacity"),
        or(unrouted, "unrouted"),
        or(keys.transport.as_ref().map(|text| quote!(#text)), "transport"),
    ];
    quote!(#private::PublisherSpec { #(#fields),* })
}

/// The compression of a name that was checked.
pub(super) fn compression(name: &LitStr, private: &Private) -> TokenStream {
    let variant = match name.value().as_str() {
        "gzip" => quote!(Gzip),
        "snappy" => quote!(Snappy),
        "lz4" => quote!(Lz4),
        "zstd" => quote!(Zstd),
        _ => quote!(None),
    };
    quote!(#private::Compression::#variant)
}
