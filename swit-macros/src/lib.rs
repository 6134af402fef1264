//! The attribute and derive macros of swit. Use them through the facade crate `swit`, which documents them.
//!
//! Each macro is a pipeline: attribute and item are read apart into keys with their spans, what was read is checked and
//! becomes a validated type, and only that generates code. All errors that a macro can see are reported at once, and
//! the user's item comes out unchanged whatever happens.

#![expect(missing_docs, reason = "the facade documents its re-exports, where the examples compile")]

mod classify;
mod composite;
mod config_section;
mod constants;
mod event;
mod event_handler;
mod extract;
mod function;
mod guard;
mod handlers;
mod health_check;
mod hygiene;
mod middleware;
mod names;
mod parsing;
mod provider;
mod publisher;
mod report;
mod saga;
mod scoped;
mod subscriber;
mod twin;

use proc_macro::TokenStream;

#[proc_macro_attribute]
pub fn subscriber(attribute: TokenStream, item: TokenStream) -> TokenStream {
    guard::attribute(item, |item, errors| subscriber::expand(attribute.into(), item, errors))
}

#[proc_macro_attribute]
pub fn event_handler(attribute: TokenStream, item: TokenStream) -> TokenStream {
    guard::attribute(item, |item, errors| event_handler::expand(&attribute.into(), item, errors))
}

#[proc_macro_attribute]
pub fn middleware(attribute: TokenStream, item: TokenStream) -> TokenStream {
    guard::attribute(item, |item, errors| middleware::expand(attribute.into(), item, errors))
}

#[proc_macro_attribute]
pub fn provider(attribute: TokenStream, item: TokenStream) -> TokenStream {
    guard::attribute(item, |item, errors| provider::expand(attribute.into(), item, errors))
}

#[proc_macro_attribute]
pub fn health_check(attribute: TokenStream, item: TokenStream) -> TokenStream {
    guard::attribute(item, |item, errors| health_check::expand(attribute.into(), item, errors))
}

#[proc_macro_attribute]
pub fn publisher(attribute: TokenStream, item: TokenStream) -> TokenStream {
    guard::attribute(item, |item, errors| publisher::expand(attribute.into(), item, errors))
}

#[proc_macro_attribute]
pub fn saga(attribute: TokenStream, item: TokenStream) -> TokenStream {
    guard::outer_attribute(item, saga::block::plain, |item, errors| saga::expand(&attribute.into(), item, errors))
}

#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    guard::items(input, event::expand)
}

#[proc_macro_derive(Classify, attributes(class))]
pub fn derive_classify(input: TokenStream) -> TokenStream {
    guard::items(input, classify::expand)
}

#[proc_macro_derive(ConfigSection, attributes(config))]
pub fn derive_config_section(input: TokenStream) -> TokenStream {
    guard::items(input, config_section::expand)
}

#[proc_macro]
pub fn handlers(input: TokenStream) -> TokenStream {
    guard::items(input, handlers::expand)
}

#[proc_macro]
pub fn composite(input: TokenStream) -> TokenStream {
    guard::items(input, composite::expand)
}
