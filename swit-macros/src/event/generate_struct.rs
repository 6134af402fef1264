//! The code of an event type.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{DeriveInput, Ident, Member, spanned::Spanned};

use super::{
    attribute::Event,
    codec::{Codec, Format},
};
use crate::names::{self, Private, spelled};

/// `impl Event`, and the registration of a type without parameters.
pub(super) fn generate(input: &DeriveInput, event: &Event, private: &Private) -> TokenStream {
    let ident = &input.ident;
    let (implement, types, _) = input.generics.split_for_impl();
    let clause = clause(input, event, private);
    let (decode, encode) = (decode(input, event, private), encode(input, event, private));
    let descriptor = descriptor(event, private);
    let upcast = upcast(input, event, private);
    let kinds = match &event.upcast {
        None => quote!(#private::event::One<Self>),
        Some(previous) => quote!(#private::event::Upcast<Self, #previous>),
    };
    let event_key = event_key(event.key.as_ref(), private);
    let (codecs, upcasts) = (codec_contracts(input, event, private), upcast_contract(input, event, private));
    let registration = input.generics.params.is_empty().then(|| registration(input, private));
    quote! {
        const _: () = {
            const __SWIT_DESCRIPTORS: &[#private::EventDescriptor; 1] = &[#descriptor];
            #codecs
            #upcasts
            #[automatically_derived]
            impl #implement #private::Event for #ident #types #clause {
                const DESCRIPTORS: &'static [#private::EventDescriptor] = __SWIT_DESCRIPTORS;
                const KEY: #private::event::EventKey = #event_key;

                fn descriptor(&self) -> &'static #private::EventDescriptor {
                    &__SWIT_DESCRIPTORS[0]
                }

                fn decode(
                    __message: &#private::Message,
                ) -> ::core::result::Result<Self, #private::DecodeError> {
                    #upcast
                    #decode
                }

                fn encode(&self) -> ::core::result::Result<#private::Message, #private::EncodeError> {
                    #encode
                }
            }

            #[automatically_derived]
            impl #implement #private::event::Described for #ident #types #clause {
                type Kinds = #kinds;
            }
            #registration
        };
    }
}

/// The user's `where` clause; with parameters also that the payload can be written, read and sent.
fn clause(input: &DeriveInput, event: &Event, private: &Private) -> TokenStream {
    let ident = &input.ident;
    let (_, types, clause) = input.generics.split_for_impl();
    if input.generics.params.is_empty() {
        return quote!(#clause);
    }
    let predicates = input.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let serde = quote!(#private::event::Written + #private::event::Read);
    let bounds = event.codecs.iter().map(|codec| match codec.format {
        Format::Json | Format::MsgPack => serde.clone(),
        Format::Protobuf => quote!(#private::event::ProtobufMessage),
    });
    quote! {
        where
            #(#predicates,)*
            #ident #types: #(#bounds +)* ::core::marker::Send + 'static,
    }
}

/// A codec's functions are called at the type's name, so that a payload that can't be read or written is reported there.
fn decode(input: &DeriveInput, event: &Event, private: &Private) -> TokenStream {
    let at = private.at(&input.ident);
    let codecs = event.codecs.iter().map(|codec| codec.format.path(private));
    let reads = event.codecs.iter().map(|codec| {
        let read = function("read", *codec, &input.ident);
        quote_spanned!(input.ident.span()=> #at::event::#read::<Self>(&__message.payload))
    });
    quote! {
        match #private::event::codec_of(&__SWIT_DESCRIPTORS[0], __message)? {
            #(#codecs => #reads,)*
            _ => ::core::result::Result::Err(#private::event::refused(&__SWIT_DESCRIPTORS[0], __message)),
        }
    }
}

fn encode(input: &DeriveInput, event: &Event, private: &Private) -> TokenStream {
    let key = key(event.key.as_ref(), private);
    let at = private.at(&input.ident);
    // There is always a first: an empty list was reported.
    let payload = event.codecs.first().map(|codec| {
        let write = function("write", *codec, &input.ident);
        quote_spanned!(input.ident.span()=> #at::event::#write::<Self>(self)?)
    });
    quote! {
        ::core::result::Result::Ok(#private::event::message(&__SWIT_DESCRIPTORS[0], #payload, #key))
    }
}

/// `read_json`, `write_protobuf` and so on, named at the type.
fn function(what: &str, codec: Codec, at: &Ident) -> Ident {
    let codec = match codec.format {
        Format::Json => "json",
        Format::MsgPack => "msgpack",
        Format::Protobuf => "protobuf",
    };
    Ident::new(&format!("{what}_{codec}"), at.span())
}

/// Each codec is compiled in; where not, that is told at its name.
fn codec_contracts(input: &DeriveInput, event: &Event, private: &Private) -> TokenStream {
    let name = input.ident.to_string();
    let contracts = event.codecs.iter().map(|codec| {
        let private = private.located(codec.span);
        let path = codec.format.path(&private);
        quote_spanned!(codec.span=> const _: () = #private::contract::codec_is_compiled_in(#name, #path);)
    });
    contracts.collect()
}

fn descriptor(event: &Event, private: &Private) -> TokenStream {
    let Event { topic, version, name, .. } = event;
    let codecs = event.codecs.iter().map(|codec| codec.format.path(private));
    let newer = syn::Ident::new(event.newer, proc_macro2::Span::call_site());
    let unrouted = syn::Ident::new(event.unrouted, proc_macro2::Span::call_site());
    quote! {
        #private::EventDescriptor {
            topic: #topic,
            event_type: #name,
            version: #version,
            codecs: &[#(#codecs),*],
            newer: #private::Newer::#newer,
            unrouted: #private::Unrouted::#unrouted,
        }
    }
}

/// Which field is the key, for publishers that partition by it.
fn event_key(field: Option<&Member>, private: &Private) -> TokenStream {
    match field {
        None => quote!(#private::event::EventKey::None),
        Some(field) => {
            let name = quote!(#field).to_string();
            quote!(#private::event::EventKey::Field(#name))
        }
    }
}

fn key(field: Option<&Member>, private: &Private) -> TokenStream {
    match field {
        None => quote!(::core::option::Option::None),
        Some(field) => {
            let private = private.at(field);
            let key = quote_spanned!(field.span()=> #private::event::MessageKey::key(&self.#field));
            quote!(::core::option::Option::Some(#key))
        }
    }
}

/// Older messages go through the previous type, which in turn may go through its own.
fn upcast(input: &DeriveInput, event: &Event, private: &Private) -> Option<TokenStream> {
    let previous = event.upcast.as_ref()?;
    let version = event.version;
    let ident = &input.ident;
    let (_, types, _) = input.generics.split_for_impl();
    let convert = quote! {
        return ::core::result::Result::map(
            <#previous as #private::Event>::decode(__message),
            <#ident #types as ::core::convert::From<#previous>>::from,
        );
    };
    Some(quote! {
        // 0 stands for «not said», which is taken for the current version.
        if __message.version > 0 && __message.version < #version {
            #convert
        }
    })
}

fn upcast_contract(input: &DeriveInput, event: &Event, private: &Private) -> Option<TokenStream> {
    let previous = event.upcast.as_ref()?;
    // With parameters there is no place outside the impl where the previous type can be named.
    input.generics.params.is_empty().then(|| {
        let (name, text, version) = (input.ident.to_string(), spelled(previous), event.version);
        let private = private.at(previous);
        quote_spanned! {previous.span()=>
            const _: () =
                #private::contract::upcasts(#name, #version, #text, <#previous as #private::Event>::DESCRIPTORS);
        }
    })
}

fn registration(input: &DeriveInput, private: &Private) -> TokenStream {
    let name = input.ident.to_string();
    let location = names::location(private);
    quote! {
        #private::inventory::submit! {
            #private::EventRegistration { name: #name, location: #location, descriptors: __SWIT_DESCRIPTORS }
        }
    }
}
