//! `circuit_breaker(…)`, `rate_limit(…)` and `batch(…)`: numbers as they are written, each fault at its argument.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use swit_grammar::{Fault, batch, breaker, name::check_name, rate_limit};
use syn::{LitFloat, LitInt, LitStr};

use super::attribute::At;
use crate::{
    constants,
    names::Private,
    parsing::{Entry, Form, Keys, Vocabulary},
    report::Errors,
};

const BREAKER: Vocabulary = Vocabulary { attribute: "circuit_breaker(…)", known: &breaker::KEYS, later: &[] };

const RATE_LIMIT: Vocabulary = Vocabulary { attribute: "rate_limit(…)", known: &rate_limit::KEYS, later: &[] };

const BATCH: Vocabulary = Vocabulary { attribute: "batch(…)", known: &batch::KEYS, later: &[] };

/// `circuit_breaker`, bare or with arguments.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    pub(super) numbers: swit_grammar::Breaker,
    pub(super) name: Option<LitStr>,
}

/// Reads a breaker; what is wrong is reported at the argument.
pub(super) fn breaker(entry: &Entry, errors: &Errors) -> Option<Breaker> {
    let group = match &entry.form {
        Form::Flag => return Some(Breaker::default()),
        Form::List(group) => group,
        Form::Value(_) => {
            let example = "circuit_breaker(failures = 5, reset = \"30s\", half_open = 3)";
            entry.refuse("its numbers in parentheses, or nothing", example, errors);
            return None;
        }
    };
    let mut keys = Keys::read(group.stream(), &BREAKER, errors);
    let arguments = breaker::KEYS.map(|key| keys.take(key));
    let of = |name: &str| arguments.iter().flatten().find(|argument| argument.name() == name);
    let numbers = swit_grammar::Breaker {
        failures: of("failures").and_then(|argument| argument.integer(errors)),
        reset: of("reset").and_then(|argument| argument.duration(errors)),
        half_open: of("half_open").and_then(|argument| argument.integer(errors)),
        rate: of("rate").and_then(|argument| share(argument, errors)),
        window: of("window").and_then(|argument| argument.duration(errors)),
        min_volume: of("min_volume").and_then(|argument| argument.integer(errors)),
    };
    // Two that say nothing without `rate` are not blamed for one that was refused.
    let is_refused = of("rate").is_some() && numbers.rate.is_none();
    let checked = if is_refused { swit_grammar::Breaker { rate: Some(1.0), ..numbers } } else { numbers };
    let name = of("name").and_then(|argument| argument.checked(check_name, errors));
    blame(&checked.faults(), "circuit_breaker.", entry, &arguments, errors).then_some(Breaker { numbers, name })
}

/// Reads a rate limit; what is wrong is reported at the argument.
pub(super) fn rate_limit(entry: &Entry, errors: &Errors) -> Option<swit_grammar::RateLimit> {
    let Form::List(group) = &entry.form else {
        entry.refuse("its numbers in parentheses", "rate_limit(per_second = 100, burst = 10)", errors);
        return None;
    };
    let mut keys = Keys::read(group.stream(), &RATE_LIMIT, errors);
    let arguments = rate_limit::KEYS.map(|key| keys.take(key));
    let of = |name: &str| arguments.iter().flatten().find(|argument| argument.name() == name);
    let limit = swit_grammar::RateLimit {
        per_second: of("per_second").and_then(|argument| argument.integer(errors)),
        burst: of("burst").and_then(|argument| argument.integer(errors)),
    };
    // One that was refused is not missing; a word that is not known may have been meant for it.
    if limit.per_second.is_none() && (of("per_second").is_some() || keys.were_refused()) {
        return None;
    }
    blame(&limit.faults(), "rate_limit.", entry, &arguments, errors).then_some(limit)
}

/// Reads the numbers of batches; what is wrong is reported at the argument.
pub(super) fn batch(entry: &Entry, errors: &Errors) -> Option<At<swit_grammar::Batch>> {
    let Form::List(group) = &entry.form else {
        entry.refuse("its numbers in parentheses", "batch(max = 100, within = \"100ms\")", errors);
        return None;
    };
    let before = errors.count();
    let mut keys = Keys::read(group.stream(), &BATCH, errors);
    let arguments = batch::KEYS.map(|key| keys.take(key));
    let of = |name: &str| arguments.iter().flatten().find(|argument| argument.name() == name);
    let batch = swit_grammar::Batch {
        max: of("max").and_then(|argument| argument.integer(errors)),
        within: of("within").and_then(|argument| argument.duration(errors)),
    };
    // One that was refused is not missing; a word that is not known may have been meant for it.
    let is_clear = errors.count() == before;
    let faults: Vec<Fault> =
        batch.faults().into_iter().filter(|fault| is_clear || !fault.message.ends_with("missing")).collect();
    let is_right = blame(&faults, "batch.", entry, &arguments, errors);
    let tokens = of("max").map_or_else(|| entry.key.to_token_stream(), Entry::value_tokens);
    (is_right && is_clear).then_some(At { value: batch, tokens })
}

/// Reports each fault at its argument, or at the key. Whether there is none.
fn blame(faults: &[Fault], prefix: &str, entry: &Entry, arguments: &[Option<Entry>], errors: &Errors) -> bool {
    for fault in faults {
        let name = fault.key.strip_prefix(prefix).unwrap_or_default();
        let argument = arguments.iter().flatten().find(|argument| argument.name() == name);
        let tokens = argument.map_or_else(|| entry.key.to_token_stream(), Entry::value_tokens);
        errors.fault(tokens, fault);
    }
    faults.is_empty()
}

/// `rate = 0.5`
fn share(entry: &Entry, errors: &Errors) -> Option<f64> {
    let number = match &entry.form {
        Form::Value(tokens) => syn::parse2::<LitFloat>(tokens.clone())
            .ok()
            .and_then(|number| number.base10_parse().ok())
            .or_else(|| syn::parse2::<LitInt>(tokens.clone()).ok().and_then(|number| number.base10_parse().ok())),
        Form::Flag | Form::List(_) => None,
    };
    if number.is_none() {
        entry.refuse("a share of failed attempts", "rate = 0.5", errors);
    }
    number
}

/// The constant of a breaker.
pub(super) fn breaker_constant(breaker: &Breaker, private: &Private) -> TokenStream {
    let numbers = &breaker.numbers;
    let (failures, half_open) = (option(numbers.failures), option(numbers.half_open));
    let (reset, window) =
        (option(numbers.reset.map(constants::duration)), option(numbers.window.map(constants::duration)));
    let (rate, min_volume) = (option(numbers.rate.map(Literal::f64_suffixed)), option(numbers.min_volume));
    let name = option(breaker.name.as_ref());
    quote!(#private::BreakerSpec {
        numbers: #private::Breaker {
            failures: #failures,
            reset: #reset,
            half_open: #half_open,
            rate: #rate,
            window: #window,
            min_volume: #min_volume,
        },
        name: #name,
    })
}

/// The constant of a rate limit.
pub(super) fn rate_limit_constant(limit: swit_grammar::RateLimit, private: &Private) -> TokenStream {
    let (per_second, burst) = (option(limit.per_second), option(limit.burst));
    quote!(#private::RateLimit { per_second: #per_second, burst: #burst })
}

/// The constant of the numbers of batches.
pub(super) fn batch_constant(batch: swit_grammar::Batch, private: &Private) -> TokenStream {
    let (max, within) = (option(batch.max), option(batch.within.map(constants::duration)));
    quote!(#private::BatchSpec { max: #max, within: #within })
}

fn option(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or_else(|| quote!(::core::option::Option::None), |value| quote!(::core::option::Option::Some(#value)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::parsing::entries;

    fn read<T>(tokens: TokenStream, read: impl FnOnce(&Entry, &Errors) -> Option<T>) -> Result<T, String> {
        let errors = Errors::new();
        let found = entries(tokens, &errors).first().and_then(|entry| read(entry, &errors));
        errors.finish().map_err(|error| error.to_string())?;
        found.ok_or_else(|| "nothing was read, and nothing said".to_owned())
    }

    #[test]
    fn breakers_are_read() {
        assert_eq!(read(quote!(circuit_breaker), breaker).map(|read| read.numbers), Ok(swit_grammar::Breaker::DEFAULT));
        let all = quote!(circuit_breaker(
            failures = 7,
            reset = "1m",
            half_open = 2,
            rate = 0.5,
            window = "30s",
            min_volume = 10,
            name = "bank"
        ));
        let expected = swit_grammar::Breaker {
            failures: Some(7),
            reset: Some(Duration::from_mins(1)),
            half_open: Some(2),
            rate: Some(0.5),
            window: Some(Duration::from_secs(30)),
            min_volume: Some(10),
        };
        let found = read(all, breaker).unwrap();
        assert_eq!((found.numbers, found.name.map(|name| name.value())), (expected, Some("bank".to_owned())));
        assert_eq!(read(quote!(circuit_breaker(rate = 1)), breaker).map(|read| read.numbers.rate), Ok(Some(1.0)));
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let wrong =
            quote!(circuit_breaker(failures = 0, reset = "2h", half_opn = 3, rate = 2, name = "a b", min_volume = "x"));
        let errors = read(wrong, breaker).expect_err("five mistakes");
        for part in [
            "`failures` is 0",
            "`reset` is 2h",
            "did you mean `half_open`?",
            "`rate` is 2",
            "holds the character",
            "whole number",
        ] {
            assert!(errors.contains(part), "{part}: {errors}");
        }
        let refused = read(quote!(circuit_breaker(rate = "much", window = "5s")), breaker).expect_err("no share");
        assert!(!refused.contains("says nothing without"), "{refused}");
        for bad in
            [quote!(circuit_breaker = 5), quote!(circuit_breaker(window = "5s")), quote!(circuit_breaker(name = ""))]
        {
            assert!(read(bad.clone(), breaker).is_err(), "{bad}");
        }
    }

    #[test]
    fn rate_limits_are_read() {
        let found = read(quote!(rate_limit(per_second = 100, burst = 10)), rate_limit);
        assert_eq!(found, Ok(swit_grammar::RateLimit { per_second: Some(100), burst: Some(10) }));
        for bad in [
            quote!(rate_limit),
            quote!(rate_limit()),
            quote!(rate_limit = 5),
            quote!(rate_limit(burst = 5)),
            quote!(rate_limit(per_second = 0)),
            quote!(rate_limit(per_minute = 5)),
            quote!(rate_limit(per_second = 5, burst = 0)),
        ] {
            assert!(read(bad.clone(), rate_limit).is_err(), "{bad}");
        }
    }
}
