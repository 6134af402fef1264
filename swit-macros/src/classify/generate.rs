//! The code of a classified error.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{DeriveInput, Ident, spanned::Spanned};

use super::{Case, attribute::Class};
use crate::constants;

/// `impl Classify`, and the link-time classifier of a type without parameters.
pub(super) fn generate(input: &DeriveInput, cases: &[Case<'_>], private: &TokenStream) -> TokenStream {
    let ident = &input.ident;
    let (implement, types, clause) = input.generics.split_for_impl();
    let arms = cases.iter().map(|case| arm(case, private));
    // An enum without variants has no value to match.
    let body = if cases.is_empty() { quote!(match *self {}) } else { quote!(match self { #(#arms)* }) };
    let linked = input.generics.params.is_empty().then(|| linked(ident, private));
    let header = quote_spanned!(ident.span()=> impl #implement #private::Classify for #ident #types #clause);
    quote! {
        const _: () = {
            #[automatically_derived]
            #header {
                fn classify(&self) -> #private::Classification {
                    #body
                }
            }
            #linked
        };
    }
}

fn arm(case: &Case<'_>, private: &TokenStream) -> TokenStream {
    let pattern = match case.variant {
        Some(variant) => quote!(Self::#variant),
        None => quote!(Self),
    };
    match &case.class {
        Class::From(member) => {
            let ty = case.fields.members().zip(case.fields.iter()).find(|(known, _)| known == member);
            let span = ty.map_or_else(|| member.span(), |(_, field)| field.ty.span());
            let class = quote_spanned!(span=> (&&&#private::wrapped::Wrapped(__error)).class());
            quote! {
                #pattern { #member: __error, .. } => {
                    #[allow(unused_imports)]
                    use #private::wrapped::{ByBox as _, ByChain as _, ByItself as _};
                    #class
                }
            }
        }
        Class::Named { class, retries, backoff, retry_after } => {
            let class = Ident::new(class, proc_macro2::Span::call_site());
            let retries = retries.map(|retries| quote!(.with_retries(#retries)));
            let backoff = backoff.as_ref().map(|backoff| {
                let backoff = constants::backoff(backoff, private);
                quote!(.with_backoff(#backoff))
            });
            let classification = quote!(#private::Classification::new(#private::Class::#class) #retries #backoff);
            match retry_after {
                None => quote!(#pattern { .. } => #classification,),
                Some(member) => {
                    let asked = quote_spanned!(member.span()=> #private::asked_wait(*__wait));
                    quote! {
                        #pattern { #member: __wait, .. } => match #asked {
                            ::core::option::Option::Some(__wait) => #classification.with_retry_after(__wait),
                            ::core::option::Option::None => #classification,
                        },
                    }
                }
            }
        }
    }
}

fn linked(ident: &Ident, private: &TokenStream) -> TokenStream {
    quote! {
        #private::inventory::submit! {
            #private::LinkedClassifier {
                classify: |__error| {
                    ::core::option::Option::map(
                        __error.downcast_ref::<#ident>(),
                        <#ident as #private::Classify>::classify,
                    )
                },
            }
        }
    }
}
