//! Values of the grammar as constant expressions of generated code.

use std::time::Duration;

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use swit_grammar::{Backoff, Jitter};

use crate::names::Private;

pub(crate) fn duration(wait: Duration) -> TokenStream {
    let (seconds, nanos) = (wait.as_secs(), wait.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanos))
}

fn jitter(jitter: Jitter, private: &Private) -> TokenStream {
    match jitter {
        Jitter::Share(share) => {
            let share = Literal::f64_suffixed(share);
            quote!(#private::Jitter::Share(#share))
        }
        Jitter::Full => quote!(#private::Jitter::Full),
        Jitter::Equal => quote!(#private::Jitter::Equal),
        Jitter::Decorrelated => quote!(#private::Jitter::Decorrelated),
    }
}

pub(crate) fn backoff(backoff: &Backoff, private: &Private) -> TokenStream {
    match *backoff {
        Backoff::Exponential { first, max, factor, jitter } => {
            let (first, max) = (duration(first), duration(max));
            let (factor, jitter) = (Literal::f64_suffixed(factor), self::jitter(jitter, private));
            quote!(#private::Backoff::Exponential { first: #first, max: #max, factor: #factor, jitter: #jitter })
        }
        Backoff::Linear { step, jitter } => {
            let (step, jitter) = (duration(step), self::jitter(jitter, private));
            quote!(#private::Backoff::Linear { step: #step, jitter: #jitter })
        }
        Backoff::Fixed { wait, jitter } => {
            let (wait, jitter) = (duration(wait), self::jitter(jitter, private));
            quote!(#private::Backoff::Fixed { wait: #wait, jitter: #jitter })
        }
        Backoff::None => quote!(#private::Backoff::None),
    }
}
