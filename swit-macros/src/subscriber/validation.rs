//! What `validate` generates: the static of the schemas, the check before decoding, the check after it. Nothing where it
//! is not written.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use super::{attribute::Validate, signature::Handler};
use crate::names::{Private, ends};

/// The schemas of the arguments that are payloads, made when the service starts, and what the compiler is to make sure of.
/// With `json_alone` the attribute says that messages are JSON, whatever their event types accept.
pub(crate) fn items(
    handler: &Handler,
    validate: Option<&Validate>,
    json_alone: bool,
    private: &Private,
) -> TokenStream {
    let Some(validate) = validate else { return TokenStream::new() };
    let (function, arguments) = (handler.function.name(), &handler.arguments);
    let payloads =
        arguments.iter().map(|ty| quote!((#private::Probe::<#ty>::IS_PAYLOAD, #private::Probe::<#ty>::IS_JSON)));
    let payloads = quote!(__SWIT_ARGUMENTS, &[#(#payloads),*]);
    let probe = quote! {
        #[allow(unused_imports)]
        use #private::NoPayload as _;
    };
    match validate {
        Validate::Function(path) => {
            let at = private.at(path);
            let contract = quote_spanned! {path.span()=>
                const _: () = #at::contract::something_is_validated(#function, #payloads);
            };
            quote!(#probe #contract)
        }
        Validate::Schema(word) => {
            let at = private.at(word);
            let contract = quote_spanned! {word.span()=>
                const _: () = #at::contract::schema_is_of_json(#function, #json_alone, #payloads);
            };
            let schema = schema(handler, json_alone, private);
            quote!(#probe #schema #contract)
        }
    }
}

fn schema(handler: &Handler, json_alone: bool, private: &Private) -> TokenStream {
    let arguments = handler.arguments.iter().map(|ty| {
        // At the type, so that one without a schema is reported there, and as a whole.
        let (at, (first, last)) = (private.at(ty), ends(ty));
        let mut add = quote_spanned!(first=> (&&#at::schema::Argument::<#ty>::TYPE));
        add.extend(quote_spanned!(last=> .schemas(__schemas);));
        add
    });
    quote! {
        static __SWIT_SCHEMA: #private::schema::Schema = #private::schema::Schema::new(#json_alone, |__schemas| {
            #[allow(unused_imports)]
            use #private::schema::{DescribesNothing as _, IsDescribed as _};
            #(#arguments)*
        });
    }
}

/// The field of a registration.
pub(crate) fn field(validate: Option<&Validate>) -> TokenStream {
    match validate {
        Some(Validate::Schema(_)) => quote!(::core::option::Option::Some(&__SWIT_SCHEMA)),
        Some(Validate::Function(_)) | None => quote!(::core::option::Option::None),
    }
}

/// Before anything is decoded: the raw payload against its schema.
pub(super) fn before(validate: Option<&Validate>, private: &Private) -> TokenStream {
    match validate {
        Some(Validate::Schema(_)) => refused(&quote!(__SWIT_SCHEMA.check(__cx.message(), __cx)), private),
        _ => TokenStream::new(),
    }
}

/// After all arguments are there: the function is asked about those that are payloads.
pub(super) fn after(validate: Option<&Validate>, names: &[Ident], private: &Private) -> TokenStream {
    let Some(Validate::Function(path)) = validate else { return TokenStream::new() };
    let at = private.at(path);
    let checks = names.iter().map(|name| {
        let check = quote_spanned!(path.span()=> (&&#at::valid::Taken(&#name)).valid(&#path, __cx));
        refused(&check, private)
    });
    quote! {
        #[allow(unused_imports)]
        use #private::valid::{IsNone as _, IsPayload as _};
        #(#checks)*
    }
}

/// What is refused ends the attempt.
fn refused(check: &TokenStream, private: &Private) -> TokenStream {
    quote! {
        if let ::core::result::Result::Err(__failure) = #check {
            return #private::Outcome::Failed(__failure);
        }
    }
}
