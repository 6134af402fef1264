//! Codecs by their names in attributes.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::quote;
use swit_grammar::nearest::nearest;
use syn::LitStr;

use crate::{
    names::Private,
    parsing::{Entry, Form, Keys},
    report::Errors,
};

/// A codec that an attribute names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Codec {
    pub(crate) format: Format,
    /// Where it is named; the type's name where none is.
    pub(crate) span: Span,
}

/// The codecs that there are. Whether one is compiled in, the runtime knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    MsgPack,
    Protobuf,
}

const NAMES: [(&str, Format); 3] =
    [("json", Format::Json), ("msgpack", Format::MsgPack), ("protobuf", Format::Protobuf)];

impl Format {
    /// As a path of generated code.
    pub(crate) fn path(self, private: &Private) -> TokenStream {
        match self {
            Self::Json => quote!(#private::Codec::Json),
            Self::MsgPack => quote!(#private::Codec::MsgPack),
            Self::Protobuf => quote!(#private::Codec::Protobuf),
        }
    }
}

impl Codec {
    /// The codec of this name; an error at the name where there is none.
    pub(crate) fn read(text: &LitStr, errors: &Errors) -> Option<Self> {
        let name = text.value();
        if let Some((_, format)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Some(Self { format: *format, span: text.span() });
        }
        let names = NAMES.map(|(name, _)| name);
        let help = nearest(&name, names).map_or_else(
            || format!("the codecs are \"{}\"", names.join("\", \"")),
            |near| format!("did you mean \"{near}\"?"),
        );
        errors.at(text, format_args!("there is no codec \"{name}\""), help);
        None
    }
}

/// `codec = "…"` or `codecs = […]`.
pub(super) fn codecs(keys: &mut Keys<'_>, errors: &Errors) -> Option<Vec<Codec>> {
    let (one, many) = (keys.take("codec"), keys.take("codecs"));
    if let (Some(_), Some(many)) = (&one, &many) {
        errors.at(&many.key, "`codec` and `codecs` are both given", "list every codec in `codecs`");
    }
    match (one, many) {
        (Some(entry), _) => {
            if is_list(&entry) {
                let help = "write `codecs = [\"…\", \"…\"]` for several; the first is written, all are read";
                errors.at(entry.value_tokens(), "`codec` takes one codec", help);
                return None;
            }
            Codec::read(&entry.string(errors)?, errors).map(|codec| vec![codec])
        }
        (None, Some(entry)) => list(&entry, errors),
        (None, None) => None,
    }
}

fn is_list(entry: &Entry) -> bool {
    let Form::Value(tokens) = &entry.form else { return false };
    let first = tokens.clone().into_iter().next();
    matches!(first, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket)
}

fn list(entry: &Entry, errors: &Errors) -> Option<Vec<Codec>> {
    let (texts, brackets) = entry.strings("codecs = [\"json\"]", errors)?;
    if texts.is_empty() {
        errors.at(brackets, "`codecs` is empty", "name at least one codec, or leave it out for \"json\"");
    }
    let mut codecs: Vec<Codec> = Vec::new();
    for text in &texts {
        let Some(codec) = Codec::read(text, errors) else { continue };
        if codecs.iter().any(|earlier| earlier.format == codec.format) {
            errors.at(text, format_args!("the codec \"{}\" is listed twice", text.value()), "keep one of them");
        }
        codecs.push(codec);
    }
    Some(codecs)
}
