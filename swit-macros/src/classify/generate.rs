//! The code of a classified error.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{DeriveInput, Ident, spanned::Spanned};

use super::{Case, attribute::Class};
use crate::{constants, names::Private};

/// `impl Classify`, and the link-time classifier of a type without parameters.
pub(super) fn generate(input: &DeriveInput, cases: &[Case<'_>], private: &Private) -> TokenStream {
    let ident = &input.ident;
    let (implement, types, clause) = input.generics.split_for_impl();
    let wraps = cases.iter().any(|case| matches!(case.class, Class::From(_)));
    let arms = cases.iter().map(|case| arm(case, wraps, private));
    // An enum without variants has no value to match.
    let body = if cases.is_empty() { quote!(match *self {}) } else { quote!(match self { #(#arms)* }) };
    let linked = input.generics.params.is_empty().then(|| linked(ident, private));
    let header = quote_spanned!(ident.span()=> impl #implement #private::Classify for #ident #types #clause);
    // One that leaves its class to what it wraps is asked with whoever knows; alone, it is what nobody knows: transient.
    let methods = if wraps {
        quote! {
            fn classify(&self) -> #private::Classification {
                #private::Classify::classify_by(self, &#private::Linked)
                    .unwrap_or(#private::Classification::new(#private::Class::Transient))
            }

            fn classify_by(
                &self,
                __by: &dyn #private::Classifier,
            ) -> ::core::option::Option<#private::Classification> {
                #body
            }
        }
    } else {
        quote! {
            fn classify(&self) -> #private::Classification {
                #body
            }
        }
    };
    quote! {
        const _: () = {
            #[automatically_derived]
            #header {
                #methods
            }
            #linked
        };
    }
}

/// One arm: a classification, or with `optional` an option of one.
fn arm(case: &Case<'_>, optional: bool, private: &Private) -> TokenStream {
    let known = |class: TokenStream| if optional { quote!(::core::option::Option::Some(#class)) } else { class };
    let pattern = case.variant.map_or_else(|| quote!(Self), |variant| quote!(Self::#variant));
    match &case.class {
        Class::From(member) => {
            let found = case.fields.members().zip(case.fields.iter()).find(|(known, _)| known == member);
            let at = found.map_or_else(|| member.to_token_stream(), |(_, field)| field.ty.to_token_stream());
            let wrapped = private.at(&at);
            let class = quote_spanned!(at.span()=> (&&&&#wrapped::wrapped::Wrapped(__error)).class(__by));
            quote! {
                #pattern { #member: __error, .. } => {
                    #[allow(unused_imports)]
                    use #private::wrapped::{ByBox as _, ByChain as _, ByItself as _, ByNothing as _};
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
                None => {
                    let class = known(classification);
                    quote!(#pattern { .. } => #class,)
                }
                Some(member) => {
                    let asked = private.at(member);
                    let asked = quote_spanned!(member.span()=> #asked::Asked::wait(__wait));
                    let asks = known(quote!(#classification.with_retry_after(__wait)));
                    let class = known(classification);
                    quote! {
                        #pattern { #member: __wait, .. } => match #asked {
                            ::core::option::Option::Some(__wait) => #asks,
                            ::core::option::Option::None => #class,
                        },
                    }
                }
            }
        }
    }
}

fn linked(ident: &Ident, private: &Private) -> TokenStream {
    let classifier = private.at(ident);
    let classifier = quote_spanned!(ident.span()=> #classifier::LinkedClassifier::of::<#ident>());
    quote! {
        #private::inventory::submit! { #classifier }
    }
}
