//! The function under an attribute: its signature, checked; its body is never looked at.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Attribute, FnArg, ReturnType, Safety, Signature, Type, Visibility,
    parse::{ParseStream, Parser},
};

use crate::report::Errors;

/// A function's signature.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
}

/// What kind of function an attribute wants.
pub(crate) struct Role {
    /// The attribute as it is written: `#[subscriber]`.
    pub(crate) attribute: &'static str,
    /// What the function is: «a handler».
    pub(crate) is: &'static str,
    /// What to do about a function that is not async.
    pub(crate) not_async: &'static str,
}

impl Function {
    /// Reads everything up to the body.
    pub(crate) fn read(item: TokenStream, role: &Role, errors: &Errors) -> Option<Self> {
        let parse = |input: ParseStream<'_>| {
            let attributes = Attribute::parse_outer(input)?;
            let visibility = input.parse()?;
            let ahead = input.fork();
            if ahead.parse::<Signature>().is_err() && !looks_like_a_function(input) {
                let text =
                    format!("`{}` goes on a function\nhelp: write `{} async fn …`", role.attribute, role.attribute);
                return Err(input.error(text));
            }
            let signature = input.parse()?;
            input.parse::<TokenStream>()?;
            Ok(Self { attributes, visibility, signature })
        };
        errors.keep(parse.parse2(item))
    }

    /// The function's name, without `r#`.
    pub(crate) fn name(&self) -> String {
        let name = self.signature.ident.to_string();
        name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
    }

    /// Reports what no attributed function may be: methods, generics, `unsafe`, `const`, foreign, variadic, not async.
    pub(crate) fn check(&self, role: &Role, wants_async: bool, errors: &Errors) {
        let (sig, name, is) = (&self.signature, self.name(), role.is);
        if let Some(constness) = &sig.constness {
            errors.at(constness, format_args!("`{name}` is const; {is} is not"), "remove `const`");
        }
        if let Safety::Unsafe(keyword) = &sig.safety {
            let help = "remove `unsafe`, and call what is unsafe inside";
            errors.at(
                keyword,
                format_args!("`{name}` is unsafe; {is} is called by swit, which can't promise what it needs"),
                help,
            );
        }
        if let Some(abi) = &sig.abi {
            errors.at(abi, format_args!("`{name}` has a foreign calling convention"), "remove `extern`");
        }
        if !sig.generics.params.is_empty() {
            let help = "write a function for each type; what they share goes into a generic function that they call";
            errors.at(&sig.generics, format_args!("`{name}` is generic; {is} is registered once, for one type"), help);
        } else if let Some(clause) = &sig.generics.where_clause {
            errors.at(clause, format_args!("`{name}` has a `where` clause, but no type parameters"), "remove it");
        }
        if let Some(variadic) = &sig.variadic {
            errors.at(variadic, format_args!("`{name}` is variadic"), "list its arguments");
        }
        match (&sig.asyncness, wants_async) {
            (None, true) => errors.at(sig.fn_token, format_args!("`{name}` is not async"), role.not_async),
            (Some(keyword), false) => errors.at(
                keyword,
                format_args!("`{name}` is async, but `blocking` is for synchronous functions"),
                "remove `async` to run it on the blocking pool, or remove `blocking`",
            ),
            _ => {}
        }
    }

    /// The types of the arguments, each one that it owns and that can be named.
    pub(crate) fn argument_types(&self, skip: usize, role: &Role, errors: &Errors) -> Vec<&Type> {
        let name = self.name();
        let mut found = Vec::new();
        for (index, argument) in self.signature.inputs.iter().enumerate() {
            if let FnArg::Typed(typed) = argument {
                not_sometimes(&name, &typed.attrs, errors);
            }
            match argument {
                FnArg::Receiver(receiver) => {
                    let help = format_args!(
                        "write a plain function, and take what `self` holds as an argument: `{} async fn {name}(state: State<…>, …)`",
                        role.attribute
                    );
                    errors.at(
                        receiver,
                        format_args!("`{name}` is a method; {} is a function of its own", role.is),
                        help,
                    );
                }
                FnArg::Typed(_) if index < skip => {}
                FnArg::Typed(typed) => {
                    check_owned(&name, &typed.ty, errors);
                    found.push(&*typed.ty);
                }
            }
        }
        found
    }

    /// The return type; reports one that can't be named.
    pub(crate) fn returns(&self, errors: &Errors) -> Option<&Type> {
        let ReturnType::Type(_, ty) = &self.signature.output else { return None };
        if mentions_impl(ty.to_token_stream()) {
            let name = self.name();
            errors.at(ty, format_args!("`{name}` returns a type without a name"), "name the type that is returned");
        }
        Some(ty)
    }
}

/// Whether what comes is a function, right or wrong.
pub(crate) fn looks_like_a_function(input: ParseStream<'_>) -> bool {
    input.peek(syn::Token![fn])
        || input.peek(syn::Token![async])
        || input.peek(syn::Token![unsafe])
        || (input.peek(syn::Token![const]) && (input.peek2(syn::Token![fn]) || input.peek2(syn::Token![async])))
        || input.peek(syn::Token![extern])
}

/// Whether an argument is there can't be seen here, and generated code gives one for each.
pub(crate) fn not_sometimes(function: &str, attributes: &[Attribute], errors: &Errors) {
    let is_cfg = |attribute: &&Attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr");
    for attribute in attributes.iter().filter(is_cfg) {
        let message = format_args!("`{function}` has an argument that is there only sometimes");
        errors.at(attribute, message, "write two functions, each with its `#[cfg]`");
    }
}

/// It is owned, and can be named.
pub(crate) fn check_owned(function: &str, ty: &Type, errors: &Errors) {
    if let Type::Reference(reference) = ty {
        let inner = crate::names::spelled(&reference.elem);
        let help = match inner.as_str() {
            "Tx" => "take it as it is lent, as a value: `mut tx: Tx`".to_owned(),
            "str" => "take the payload as an event type, or its bytes as `Bytes`".to_owned(),
            _ if inner.ends_with('>') => format!("take `{inner}` itself, without `&`"),
            _ => format!("take `{inner}` if it is an event, `State<{inner}>` if it is shared state"),
        };
        errors.at(ty, format_args!("`{function}` borrows an argument; its arguments are its own"), help);
    } else if mentions_impl(ty.to_token_stream()) {
        let message = format_args!("`{function}` has an argument whose type has no name");
        errors.at(ty, message, "name the type of the argument");
    }
}

/// Whether `impl Trait` stands anywhere in a type.
pub(crate) fn mentions_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        proc_macro2::TokenTree::Ident(ident) => ident == "impl",
        proc_macro2::TokenTree::Group(group) => mentions_impl(group.stream()),
        _ => false,
    })
}
