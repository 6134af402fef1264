//! The keys of `#[middleware]`.

use proc_macro2::Ident;
use swit_grammar::{
    name::{check_name, dashed},
    topic::check_pattern,
};
use syn::LitStr;

use super::signature::{MiddlewareFn, Side};
use crate::{
    parsing::{Entry, Keys, Vocabulary},
    report::Errors,
};

pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    attribute: "#[middleware]",
    known: &["publish", "name", "order", "only", "except", "topics", "global", "crate"],
    later: &[],
};

/// What the attribute says, key by key.
pub(super) struct Raw {
    pub(super) side: Side,
    name: Option<LitStr>,
    order: Option<i32>,
    order_key: Option<Ident>,
    only: Option<Names>,
    except: Option<Names>,
    topics: Option<Names>,
    global: Option<bool>,
    global_key: Option<Ident>,
}

/// A list of names or patterns, with its key.
struct Names {
    key: Ident,
    list: Vec<LitStr>,
}

/// Keys that agree with each other.
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) order: i32,
    pub(super) global: bool,
    pub(super) only: Vec<LitStr>,
    pub(super) except: Vec<LitStr>,
    pub(super) topics: Vec<LitStr>,
}

impl Raw {
    /// Takes every key out of the table.
    pub(super) fn read(keys: &mut Keys<'_>, errors: &Errors) -> Self {
        let (order, global) = (keys.take("order"), keys.take("global"));
        let publish = keys.take("publish").is_some_and(|entry| entry.flag(errors));
        let side = if publish { Side::Publish } else { Side::Consume };
        Self {
            side,
            name: keys.take("name").and_then(|entry| entry.checked(check_name, errors)),
            order_key: order.as_ref().map(|entry| entry.key.clone()),
            order: order.and_then(|entry| entry.integer(errors)),
            only: keys.take("only").and_then(|entry| names(entry, side, errors)),
            except: keys.take("except").and_then(|entry| names(entry, side, errors)),
            topics: keys.take("topics").and_then(|entry| patterns(entry, errors)),
            global_key: global.as_ref().map(|entry| entry.key.clone()),
            global: global.and_then(|entry| entry.boolean(errors)),
        }
    }

    /// Checks the keys together.
    pub(super) fn validate(self, function: &MiddlewareFn, errors: &Errors) -> Attribute {
        let global = self.global.unwrap_or(true);
        match (self.side, &self.global_key, &self.topics) {
            (Side::Publish, Some(key), _) => {
                let help = "choose what it runs around with `only`, `except` or `topics`";
                errors.at(key, "`global` is for middleware of subscribers; nobody lists this one", help);
            }
            (Side::Consume, _, Some(topics)) => {
                let help = "name subscribers with `only` or `except`";
                errors.at(&topics.key, "`topics` is for publish-side middleware", help);
            }
            _ => {}
        }
        if let (Some(_), Some(except)) = (&self.only, &self.except) {
            errors.at(&except.key, "`only` and `except` exclude each other", "keep one of them");
        }
        if !global && self.side == Side::Consume {
            for names in self.only.iter().chain(&self.except) {
                let key = &names.key;
                let message = format_args!("`{key}` is for global middleware, but `global = false`");
                errors.at(key, message, "subscribers list this one by path: `#[subscriber(middleware = [path])]`");
            }
            if let Some(key) = &self.order_key {
                let help = "subscribers list this one in the order that they want";
                errors.at(key, "`order` is for global middleware, but `global = false`", help);
            }
        }
        let name = self.name.map_or_else(|| default_name(function, errors), |name| name.value());
        let list = |names: Option<Names>| names.map(|names| names.list).unwrap_or_default();
        Attribute {
            name,
            order: self.order.unwrap_or(0),
            global,
            only: list(self.only),
            except: list(self.except),
            topics: list(self.topics),
        }
    }
}

fn default_name(function: &MiddlewareFn, errors: &Errors) -> String {
    let name = dashed(&function.function.name());
    if let Err(fault) = check_name(&name) {
        errors.at(function.ident(), &fault.message, "give it a name: `#[middleware(name = \"…\")]`");
    }
    name
}

/// Patterns of topics, each once.
fn patterns(entry: Entry, errors: &Errors) -> Option<Names> {
    let (list, brackets) = entry.strings("topics = [\"order.*\"]", errors)?;
    if list.is_empty() {
        errors.at(brackets, "`topics` is empty", "name topics or patterns, or remove `topics`");
    }
    for (index, text) in list.iter().enumerate() {
        if let Err(fault) = check_pattern(&text.value()) {
            errors.fault(text, &fault);
        } else if list[..index].iter().any(|earlier| earlier.value() == text.value()) {
            errors.at(text, format_args!("the topic \"{}\" is listed twice", text.value()), "keep one of them");
        }
    }
    Some(Names { key: entry.key, list })
}

fn names(entry: Entry, side: Side, errors: &Errors) -> Option<Names> {
    let key = entry.name();
    let (example, who) = match side {
        Side::Consume => ("confirm-order", "subscribers"),
        Side::Publish => ("order-created", "publishers"),
    };
    let (list, brackets) = entry.strings(&format!("{key} = [\"{example}\"]"), errors)?;
    if list.is_empty() {
        errors.at(brackets, format_args!("`{key}` is empty"), format_args!("name {who}, or remove `{key}`"));
    }
    for (index, name) in list.iter().enumerate() {
        if let Err(fault) = check_name(&name.value()) {
            errors.fault(name, &fault);
        } else if list[..index].iter().any(|earlier| earlier.value() == name.value()) {
            errors.at(name, format_args!("\"{}\" is listed twice", name.value()), "keep one of them");
        }
    }
    Some(Names { key: entry.key, list })
}
