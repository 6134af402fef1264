//! What `validate` generates: the static of the schemas, the check before decoding, the check after it. Nothing where it
//! is not written.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use super::{attribute::Validate, contracts::json_alone, validate::Subscriber};
use crate::names::{Private, ends};

/// The schemas of the arguments that are payloads, made when the service starts.
pub(super) fn schema(subscriber: &Subscriber, private: &Private) -> TokenStream {
    let probe = subscriber.keys.validate.as_ref().map(|_| {
        quote! {
            #[allow(unused_imports)]
            use #private::NoPayload as _;
        }
    });
    if !matches!(subscriber.keys.validate, Some(Validate::Schema(_))) {
        return quote!(#probe);
    }
    let json_alone = json_alone(subscriber);
    let arguments = subscriber.handler.arguments.iter().map(|ty| {
        // At the type, so that one without a schema is reported there, and as a whole.
        let (at, (first, last)) = (private.at(ty), ends(ty));
        let mut add = quote_spanned!(first=> (&&#at::schema::Argument::<#ty>::TYPE));
        add.extend(quote_spanned!(last=> .schemas(__schemas);));
        add
    });
    quote! {
        #probe
        static __SWIT_SCHEMA: #private::schema::Schema = #private::schema::Schema::new(#json_alone, |__schemas| {
            #[allow(unused_imports)]
            use #private::schema::{DescribesNothing as _, IsDescribed as _};
            #(#arguments)*
        });
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
