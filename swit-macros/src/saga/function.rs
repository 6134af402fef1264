//! One function of the block: what it is, by its attribute, and its arguments.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, Meta, ReceiverKind, ReturnType, Type};

use crate::{
    function::{self, Function, check_owned, mentions_impl, not_sometimes},
    names::spelled,
    report::Errors,
};

/// What a function of a saga is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Start,
    Step,
    Wait,
    Compensation,
}

impl Kind {
    const ALL: [(&'static str, Self); 4] =
        [("start", Self::Start), ("step", Self::Step), ("wait", Self::Wait), ("compensation", Self::Compensation)];

    /// The attribute as it is written.
    pub(super) fn attribute(self) -> &'static str {
        match self {
            Self::Start => "#[start]",
            Self::Step => "#[step]",
            Self::Wait => "#[wait]",
            Self::Compensation => "#[compensation]",
        }
    }

    fn role(self) -> function::Role {
        let (is, not_async) = match self {
            Self::Start => ("what starts a saga", "write `async fn`"),
            Self::Step => ("a step", "write `async fn`"),
            Self::Wait => ("a step that waits", "write `async fn`"),
            Self::Compensation => ("a compensation", "write `async fn`"),
        };
        function::Role { attribute: self.attribute(), is, not_async }
    }
}

/// One argument, but for `&self`.
#[derive(Clone)]
pub(super) struct Argument {
    pub(super) ty: Type,
    /// What stands in `#[output]`.
    pub(super) output: Option<Output>,
}

/// `#[output]` or `#[output(step)]`.
#[derive(Clone)]
pub(super) struct Output {
    /// The step that is named.
    pub(super) step: Option<Ident>,
    /// The attribute, to underline.
    pub(super) tokens: TokenStream,
    /// It says something that was reported.
    pub(super) is_wrong: bool,
}

/// A function with an attribute.
pub(super) struct Marked {
    pub(super) kind: Kind,
    /// The attribute's word, to underline.
    pub(super) word: TokenStream,
    /// What stands between its parentheses.
    pub(super) keys: TokenStream,
    pub(super) function: Function,
    pub(super) takes_self: bool,
    pub(super) arguments: Vec<Argument>,
    /// The return type that is written.
    pub(super) returns: Option<Type>,
}

impl Marked {
    /// Reads a function; one without an attribute of ours comes back as it is.
    pub(super) fn read(function: Function, ty: &Type, errors: &Errors) -> Result<Self, Box<Function>> {
        let mut marks = function.attributes.iter().filter_map(|attribute| Some((kind(attribute)?, attribute)));
        let Some((kind, attribute)) = marks.next() else {
            outputs_are_of_no_use(&function, errors);
            return Err(Box::new(function));
        };
        for (second, attribute) in marks {
            let (name, first, second) = (function.name(), kind.attribute(), second.attribute());
            errors.at(attribute, format_args!("`{name}` is both `{first}` and `{second}`"), "keep one of them");
        }
        let keys = match &attribute.meta {
            Meta::Path(_) => TokenStream::new(),
            Meta::List(list) => list.tokens.clone(),
            Meta::NameValue(pair) => {
                let help = format_args!("write `{}`, with keys in parentheses", kind.attribute());
                errors.at(pair, format_args!("`{}` takes no value", kind.attribute()), help);
                TokenStream::new()
            }
        };
        let word = attribute.path().to_token_stream();
        // Whether there is such a function can't be seen here, and generated code calls it.
        for cfg in
            function.attributes.iter().filter(|one| one.path().is_ident("cfg") || one.path().is_ident("cfg_attr"))
        {
            let message = format_args!(
                "`{}` is there only sometimes, but instances of the saga outlive a build",
                function.name()
            );
            errors.at(cfg, message, "write two impl blocks, each with its `#[cfg]` and its `version`");
        }
        let wants_async = kind != Kind::Start || function.signature.asyncness.is_some();
        function.check(&kind.role(), wants_async, errors);
        let takes_self = receiver(&function, kind, errors);
        let arguments = arguments(&function, ty, errors);
        let returns = returns(&function, ty, errors);
        Ok(Self { kind, word, keys, function, takes_self, arguments, returns })
    }

    pub(super) fn ident(&self) -> &Ident {
        &self.function.signature.ident
    }

    pub(super) fn name(&self) -> String {
        self.function.name()
    }
}

fn kind(attribute: &Attribute) -> Option<Kind> {
    Kind::ALL.into_iter().find(|(word, _)| attribute.path().is_ident(word)).map(|(_, kind)| kind)
}

/// Whether it takes `&self`.
fn receiver(function: &Function, kind: Kind, errors: &Errors) -> bool {
    let Some(receiver) = function.signature.receiver() else { return false };
    let name = function.name();
    let refuse = |message: &str| {
        errors.at(receiver, format_args!("`{name}` {message}"), "write `&self`, or leave it out");
    };
    match &receiver.kind {
        _ if kind == Kind::Start => {
            let help = "take the event, and return `Self`";
            errors.at(receiver, format_args!("`{name}` takes `self`, but there is no instance before it"), help);
        }
        ReceiverKind::Reference(_, _, None) => return true,
        ReceiverKind::Reference(..) => {
            refuse(
                "takes `&mut self`, but what an instance was started with never changes; what a step comes to is its output",
            );
        }
        _ => refuse("takes `self` as its own, but every step reads what the instance was started with"),
    }
    false
}

fn arguments(function: &Function, ty: &Type, errors: &Errors) -> Vec<Argument> {
    let name = function.name();
    let mut found = Vec::new();
    for argument in &function.signature.inputs {
        let FnArg::Typed(typed) = argument else { continue };
        not_sometimes(&name, &typed.attrs, errors);
        let mut outputs = typed.attrs.iter().filter(|attribute| attribute.path().is_ident("output"));
        let first = outputs.next();
        for second in outputs {
            errors.at(second, "`#[output]` is given twice", "keep one of them");
        }
        let output = first.map(|attribute| output(attribute, errors));
        match &*typed.ty {
            Type::Reference(reference) if output.is_some() => {
                let help = format_args!("take `{}` itself, without `&`", spelled(&reference.elem));
                errors.at(&typed.ty, format_args!("`{name}` borrows an output; its arguments are its own"), help);
            }
            ty => check_owned(&name, ty, errors),
        }
        found.push(Argument { ty: without_self(&typed.ty, ty), output });
    }
    found
}

fn output(attribute: &Attribute, errors: &Errors) -> Output {
    let before = errors.count();
    let step = match &attribute.meta {
        Meta::Path(_) => None,
        Meta::List(list) => {
            let word = syn::parse2::<Ident>(list.tokens.clone()).ok();
            if word.is_none() {
                errors.at(attribute, "`#[output(…)]` takes the name of one step", "write `#[output(reserve)]`");
            }
            word
        }
        Meta::NameValue(_) => {
            errors.at(attribute, "`#[output]` takes no value", "write `#[output(reserve)]`");
            None
        }
    };
    Output { step, tokens: attribute.to_token_stream(), is_wrong: errors.count() > before }
}

fn outputs_are_of_no_use(function: &Function, errors: &Errors) {
    for argument in &function.signature.inputs {
        let FnArg::Typed(typed) = argument else { continue };
        for attribute in typed.attrs.iter().filter(|attribute| attribute.path().is_ident("output")) {
            let message = format_args!("`{}` is no step, so nothing hands it an output", function.name());
            errors.at(
                attribute,
                message,
                "remove `#[output]`, or write `#[step(…)]` or `#[compensation]` above the function",
            );
        }
    }
}

fn returns(function: &Function, ty: &Type, errors: &Errors) -> Option<Type> {
    let ReturnType::Type(_, written) = &function.signature.output else { return None };
    if mentions_impl(written.to_token_stream()) {
        let message = format_args!("`{}` returns a type without a name", function.name());
        errors.at(written, message, "name the type that is returned");
    }
    Some(without_self(written, ty))
}

/// The type, where it also stands outside of the block: `Self` means nothing there.
fn without_self(written: &Type, ty: &Type) -> Type {
    syn::parse2(replaced(written.to_token_stream(), ty)).unwrap_or_else(|_| written.clone())
}

/// Every `Self` replaced by the type; as the beginning of a path it stands in angle brackets, where generic arguments may end.
fn replaced(tokens: TokenStream, ty: &Type) -> TokenStream {
    let mut all = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "Self" => {
                let begins = matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
                let ty = if begins { quote!(<#ty>) } else { quote!(#ty) };
                all.extend(ty.into_iter().map(|mut token| {
                    token.set_span(token.span().located_at(word.span()));
                    token
                }));
            }
            TokenTree::Group(group) => {
                let mut other = proc_macro2::Group::new(group.delimiter(), replaced(group.stream(), ty));
                other.set_span(group.span());
                all.extend([TokenTree::Group(other)]);
            }
            token => all.extend([token]),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_the_type_is_replaced_by_it() {
        let ty = syn::parse_quote!(shop::Place<u8>);
        for (written, expected) in [
            (quote!(Result<Self, E>), quote!(Result<shop::Place<u8>, E>)),
            (quote!([u8; Self::COUNT]), quote!([u8; <shop::Place<u8>>::COUNT])),
            (quote!(Selfish), quote!(Selfish)),
        ] {
            let found = without_self(&syn::parse2(written).unwrap(), &ty);
            let spelled = |tokens: TokenStream| tokens.to_string().replace(' ', "");
            assert_eq!(spelled(found.to_token_stream()), spelled(expected));
        }
    }
}
