//! The const assertions of a saga: what only the compiler can check, each at the type that it is about.

use super::{
    links::Taken,
    validate::{Call, Saga},
};
use crate::names::{Private, ends, spelled};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

/// `const _: () = …;` for each contract that applies.
pub(super) fn contracts(saga: &Saga, private: &Private) -> TokenStream {
    let mut all = TokenStream::new();
    for step in &saga.steps {
        all.extend(arguments(&step.call, private));
        if let Some(compensation) = &step.compensation {
            all.extend(arguments(compensation, private));
            all.extend(in_doubt(&step.call, compensation, private));
        }
    }
    all
}

/// Whether any of a function's arguments takes the transaction.
pub(super) fn transacts(call: &Call, private: &Private) -> TokenStream {
    let types = call.arguments.iter().filter_map(Taken::extracted);
    quote!(false #(|| #private::Probe::<#types>::TRANSACTS)*)
}

/// Whether a compensation can be called without an output.
pub(super) fn takes_no_output(compensation: &Call, private: &Private) -> TokenStream {
    let own = compensation.arguments.iter().filter_map(|taken| match taken {
        Taken::Own { returns, ty, .. } => Some(quote!(#private::OutputProbe::<#returns, #ty>::IN_DOUBT)),
        _ => None,
    });
    quote!(true #(&& #own)*)
}

fn arguments(call: &Call, private: &Private) -> TokenStream {
    let function = call.marked.name();
    let mut before = quote!(false);
    let mut all = TokenStream::new();
    for ty in call.arguments.iter().filter_map(Taken::extracted) {
        let (at, text, (first, last)) = (private.at(ty), spelled(ty), ends(ty));
        let facts = quote!(#private::Probe::<#ty>::READS_PAYLOAD, #private::Probe::<#ty>::SETTLES);
        all.extend(quote_spanned!(first=> const _: () = #at::contract::is_a_steps_argument));
        all.extend(quote_spanned!(last=> (#function, #text, #facts);));
        let facts = quote!(#private::Probe::<#ty>::TRANSACTS, #before);
        all.extend(quote_spanned!(first=> const _: () = #at::contract::takes_the_transaction_once));
        all.extend(quote_spanned!(last=> (#function, #text, #facts);));
        before = quote!(#before || #private::Probe::<#ty>::TRANSACTS);
    }
    all
}

fn in_doubt(step: &Call, compensation: &Call, private: &Private) -> TokenStream {
    let own = compensation.arguments.iter().find(|taken| matches!(taken, Taken::Own { .. }));
    let Some(ty) = own.map(Taken::ty) else { return TokenStream::new() };
    let (at, text) = (private.at(ty), spelled(ty));
    let (step_name, name) = (step.marked.name(), compensation.marked.name());
    let (transacts, no_output) = (transacts(step, private), takes_no_output(compensation, private));
    let (first, last) = ends(ty);
    let mut assertion = quote_spanned!(first=> const _: () = #at::contract::compensates_in_doubt);
    assertion.extend(quote_spanned!(last=> (#name, #step_name, #text, #transacts, #no_output);));
    assertion
}
