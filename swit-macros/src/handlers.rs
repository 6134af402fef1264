//! `handlers!(orders, payments::sub)`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{
    Path, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    spanned::Spanned,
};

use crate::{
    names::{self, Private},
    report::Errors,
};

/// One argument: a crate or a module of one, or where swit is.
enum Argument {
    Linked(Path),
    Swit(Path),
}

/// Expands the macro; `None` where something was reported.
pub(crate) fn expand(input: TokenStream, errors: &Errors) -> Option<TokenStream> {
    let parse = |input: ParseStream<'_>| input.parse_terminated(argument, Token![,]);
    let Ok(arguments) = parse.parse2(input.clone()) else {
        errors.at(input, "`handlers!` takes crates", "write `swit::handlers!(orders, payments);`");
        return None;
    };
    let mut swit: Path = syn::parse_quote!(::swit);
    let mut linked: Vec<Path> = Vec::new();
    for argument in arguments {
        match argument {
            Argument::Swit(path) => swit = path,
            Argument::Linked(path) => {
                if linked.contains(&path) {
                    let message = format_args!("`{}` is listed twice", names::spelled(&path));
                    errors.at(&path, message, "keep one of them");
                }
                linked.push(path);
            }
        }
    }
    if errors.any() {
        return None;
    }
    Some(generate(&linked, &Private::of(&swit)))
}

fn argument(input: ParseStream<'_>) -> syn::Result<Argument> {
    if input.peek(Token![crate]) && input.peek2(Token![=]) {
        input.call(syn::Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        return Ok(Argument::Swit(input.call(Path::parse_mod_style)?));
    }
    Ok(Argument::Linked(input.call(Path::parse_mod_style)?))
}

fn generate(linked: &[Path], private: &Private) -> TokenStream {
    let names = linked.iter().map(|path| {
        let first = path.segments.first().map(|segment| segment.ident.to_string()).unwrap_or_default();
        match first.as_str() {
            "crate" | "self" | "super" => {
                quote!(#private::crate_of(::core::module_path!()))
            }
            name => {
                let name = name.trim_start_matches("r#");
                quote!(#name)
            }
        }
    });
    let uses = linked.iter().map(|path| {
        quote_spanned! {path.span()=>
            #[allow(unused_imports, clippy::single_component_path_imports)]
            use #path as _;
        }
    });
    let location = names::location(private);
    quote! {
        #(#uses)*
        const _: () = {
            #private::inventory::submit! {
                #private::LinkedCrates {
                    location: #location,
                    crates: &[#(#names),*],
                    package: ::core::env!("CARGO_PKG_NAME"),
                    version: ::core::env!("CARGO_PKG_VERSION"),
                }
            }
        };
    }
}
