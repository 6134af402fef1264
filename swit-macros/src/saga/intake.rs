//! What brings a saga its events: for `#[start]` and for each `#[wait]` a subscriber with an inbox, by the macro of
//! subscribers itself, whose handler starts an instance or keeps the event for one.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use swit_grammar::name::{check_name, dashed};
use syn::{Ident, LitStr, Type, Visibility, spanned::Spanned};

use super::{
    function::Marked,
    validate::{Saga, Start, Step, Wait},
};
use crate::{
    function::Function,
    names::{Private, ends},
    report::Errors,
    subscriber::{
        self,
        attribute::Raw,
        generate::failed,
        signature::{Handler, Then},
    },
};

/// The subscribers, and how the saga's registration names them.
pub(super) struct Intake {
    pub(super) items: TokenStream,
    pub(super) registrations: Vec<TokenStream>,
}

impl Intake {
    /// Takes what the subscribers need out of the saga.
    pub(super) fn of(saga: &mut Saga, private: &Private, errors: &Errors) -> Self {
        let mut intake = Self { items: TokenStream::new(), registrations: Vec::new() };
        let (ty, name) = (saga.ty.clone(), saga.attribute.name.clone());
        if let Some(Start { marked, returns, subscriber }) = saga.start.take() {
            let then = started(&marked, &ty, &returns, &subscriber, private);
            let arguments = marked.arguments.iter().map(|argument| argument.ty.clone()).collect();
            let may_fail = returns != ty;
            let handler = handler(&marked, arguments, (returns, may_fail), then);
            let name = format!("{name}-{}", dashed(&marked.name()));
            intake.add(&name, &marked, subscriber, handler, private, errors);
        }
        for step in &mut saga.steps {
            let Step { name: step_name, wait: Some(wait), call, .. } = step else { continue };
            let then = delivered(step_name, wait, &ty, private);
            let handler = handler(&call.marked, vec![wait.event.clone()], (syn::parse_quote!(()), false), then);
            let name = format!("{name}-{}", dashed(step_name));
            intake.add(&name, &call.marked, std::mem::take(&mut wait.subscriber), handler, private, errors);
        }
        intake
    }

    fn add(
        &mut self,
        name: &str,
        marked: &Marked,
        mut keys: Raw,
        handler: Handler,
        private: &Private,
        errors: &Errors,
    ) {
        if keys.name.is_none() {
            if let Err(fault) = check_name(name) {
                errors.at(marked.ident(), &fault.message, "give the saga a shorter name: `#[saga(…, name = \"…\")]`");
                return;
            }
            keys.name = Some(LitStr::new(name, marked.ident().span()));
        }
        keys.inbox = Some(Ident::new("inbox", marked.word.span()));
        let ident = marked.ident();
        // In a block of its own: its twin is named like the user's function, which may be the name of a type as well.
        let holder = format_ident!("__SWIT_SUBSCRIBER_{}", self.registrations.len());
        let items = subscriber::generated(keys, handler, private, errors);
        self.items.extend(quote! {
            static #holder: &#private::SubscriberRegistration = {
                #items
                <#ident as #private::Handler>::REGISTRATION
            };
        });
        self.registrations.push(quote!(#holder));
    }
}

/// A handler that goes on as `then` says once its arguments are there.
fn handler(marked: &Marked, arguments: Vec<Type>, (returns, may_fail): (Type, bool), then: Then) -> Handler {
    let function = Function {
        attributes: Vec::new(),
        visibility: Visibility::Inherited,
        signature: marked.function.signature.clone(),
    };
    Handler { function, arguments, returns, says_return: may_fail, then: Some(then) }
}

/// Calls the function, and starts an instance with what it returns.
fn started(marked: &Marked, ty: &Type, returns: &Type, keys: &Raw, private: &Private) -> Then {
    let (ident, of) = (marked.ident(), starts(ty, private));
    let names: Vec<Ident> = names(marked.arguments.len());
    let call = quote_spanned!(ident.span()=> <#ty>::#ident(#(#names),*));
    let call = match (keys.blocking, marked.function.signature.asyncness) {
        (true, _) => {
            let private = private.at(ident);
            quote_spanned!(ident.span()=> #private::blocking::run(move || #call).await)
        }
        (false, Some(_)) => quote_spanned!(ident.span()=> #call.await),
        (false, None) => call,
    };
    let split = {
        // As `StartReturn`, of this saga.
        let (at, (first, last)) = (private.at(returns), ends(returns));
        let mut split = quote_spanned!(first=> <#returns as #at::StartReturn<#ty>);
        split.extend(quote_spanned!(last=> >::split(__returned)));
        split
    };
    let (failed, refused) = (failed(returns, keys.on_error.as_ref(), private), refused(private));
    let tx = tx(private);
    let code = quote! {
        let __returned: #returns = #call;
        let __saga: #ty = match #split {
            ::core::result::Result::Ok(__saga) => __saga,
            ::core::result::Result::Err(__error) => return { #failed },
        };
        #of
        #tx
        match __sagas.start_in(&mut __tx, &__saga).await {
            ::core::result::Result::Ok(_) => #private::Outcome::Success,
            ::core::result::Result::Err(__error) => #refused,
        }
    };
    Then { code, requires: vec![quote!(#private::saga::Sagas<#ty>), quote!(#private::Tx)] }
}

/// Keeps the event for the step.
fn delivered(step: &str, wait: &Wait, ty: &Type, private: &Private) -> Then {
    let names = names(1);
    let (event, of) = (&names[0], starts(ty, private));
    let key = wait.key.text(&quote!(&#event), ty);
    let (tx, refused) = (tx(private), refused(private));
    let arrived = taken(&quote!(__arrived), &quote!(#private::saga::Arrived), private);
    let code = quote! {
        let __key: ::std::string::String = #key;
        #of
        #arrived
        #tx
        match __sagas.deliver_in(&mut __tx, #step, &__key, __arrived).await {
            ::core::result::Result::Ok(()) => #private::Outcome::Success,
            ::core::result::Result::Err(__error) => #refused,
        }
    };
    Then { code, requires: vec![quote!(#private::saga::Sagas<#ty>), quote!(#private::Tx)] }
}

fn names(count: usize) -> Vec<Ident> {
    (0..count).map(|index| format_ident!("__argument_{index}")).collect()
}

fn starts(ty: &Type, private: &Private) -> TokenStream {
    taken(&quote!(__sagas), &quote!(#private::saga::Sagas<#ty>), private)
}

fn tx(private: &Private) -> TokenStream {
    taken(&quote!(mut __tx), &quote!(#private::Tx), private)
}

/// What the handler takes beside the function's arguments.
fn taken(name: &TokenStream, ty: &TokenStream, private: &Private) -> TokenStream {
    quote! {
        let #name = match #private::argument::<#ty>(__cx).await {
            ::core::result::Result::Ok(__value) => __value,
            ::core::result::Result::Err(__failure) => return #private::Outcome::Failed(__failure),
        };
    }
}

/// The saga's own error.
fn refused(private: &Private) -> TokenStream {
    quote! {
        {
            #[allow(unused_imports)]
            use #private::via::ViaClassify as _;
            #private::Outcome::Failed((&&&&#private::Tag::under(&__error, &*__cx)).failure(__error))
        }
    }
}
