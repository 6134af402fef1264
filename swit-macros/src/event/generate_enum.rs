//! The code of an enum of events: one argument for several topics.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{DeriveInput, Ident, spanned::Spanned};

use super::shape::Variant;
use crate::names::Private;

/// `impl Event` that asks each variant's type.
pub(super) fn generate(input: &DeriveInput, variants: &[Variant<'_>], private: &Private) -> TokenStream {
    let ident = &input.ident;
    let name = ident.to_string();
    let (implement, types, clause) = input.generics.split_for_impl();
    let idents: Vec<&Ident> = variants.iter().map(|variant| variant.ident).collect();
    let texts: Vec<String> = idents.iter().map(ToString::to_string).collect();
    let descriptors = variants.iter().zip(&texts).map(|(variant, text)| {
        let event = variant.event;
        let private = private.at(event);
        quote_spanned! {event.span()=>
            #private::contract::single(#name, #text, <#event as #private::Event>::DESCRIPTORS)
        }
    });
    let decode = variants.iter().map(|Variant { ident, event }| {
        quote! {
            if ::core::iter::Iterator::any(
                &mut <#event as #private::Event>::DESCRIPTORS.iter(),
                |__descriptor| #private::event::is_of(__descriptor, __message),
            ) {
                return ::core::result::Result::map(<#event as #private::Event>::decode(__message), Self::#ident);
            }
        }
    });
    let distinct = input.generics.params.is_empty().then(|| {
        let private = private.at(ident);
        quote_spanned! {ident.span()=>
            const _: () = #private::contract::are_distinct(
                #name,
                &[#(#texts),*],
                <#ident as #private::Event>::DESCRIPTORS,
            );
        }
    });
    let kinds = variants.iter().rfold(
        quote!(#private::event::Nothing),
        |rest, Variant { event, .. }| quote!(#private::event::Either<#event, #rest>),
    );
    let (event, types_of) =
        (format_ident!("__event"), variants.iter().map(|variant| variant.event).collect::<Vec<_>>());
    quote! {
        const _: () = {
            #distinct
            #[automatically_derived]
            impl #implement #private::Event for #ident #types #clause {
                const DESCRIPTORS: &'static [#private::EventDescriptor] = &[#(#descriptors),*];
                const KEY: #private::event::EventKey = #private::event::EventKey::OfVariants;

                fn descriptor(&self) -> &'static #private::EventDescriptor {
                    match self {
                        #(Self::#idents(#event) => <#types_of as #private::Event>::descriptor(#event),)*
                    }
                }

                fn decode(
                    __message: &#private::Message,
                ) -> ::core::result::Result<Self, #private::DecodeError> {
                    #(#decode)*
                    ::core::result::Result::Err(#private::event::not_of::<Self>(__message))
                }

                fn encode(&self) -> ::core::result::Result<#private::Message, #private::EncodeError> {
                    match self {
                        #(Self::#idents(#event) => <#types_of as #private::Event>::encode(#event),)*
                    }
                }
            }

            #[automatically_derived]
            impl #implement #private::event::Described for #ident #types #clause {
                type Kinds = #kinds;
            }
        };
    }
}
