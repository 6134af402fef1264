//! Values of the grammar as constant expressions of generated code.

use std::time::Duration;

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use swit_grammar::Backoff;

use crate::names::Private;

pub(crate) fn duration(wait: Duration) -> TokenStream {
    let (seconds, nanos) = (wait.as_secs(), wait.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanos))
}

pub(crate) fn backoff(backoff: &Backoff, private: &Private) -> TokenStream {
    match *backoff {
        Backoff::Exponential { first, max, factor, jitter } => {
            let (first, max) = (duration(first), duration(max));
            let (factor, jitter) = (Literal::f64_suffixed(factor), Literal::f64_suffixed(jitter));
            quote!(#private::Backoff::Exponential { first: #first, max: #max, factor: #factor, jitter: #jitter })
        }
        Backoff::Linear { step } => {
            let step = duration(step);
            quote!(#private::Backoff::Linear { step: #step })
        }
        Backoff::Fixed { wait } => {
            let wait = duration(wait);
            quote!(#private::Backoff::Fixed { wait: #wait })
        }
        Backoff::None => quote!(#private::Backoff::None),
    }
}
