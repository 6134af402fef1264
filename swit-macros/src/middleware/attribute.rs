//! The keys of `#[middleware]`.

use proc_macro2::Ident;
use swit_grammar::name::{check_name, dashed};
use syn::LitStr;

use super::signature::MiddlewareFn;
use crate::{
    parsing::{Entry, Keys, Vocabulary},
    report::Errors,
};

pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    attribute: "#[middleware]",
    known: &["name", "order", "only", "except", "global", "crate"],
    later: &[("publish", "publish-side middleware")],
};

/// What the attribute says, key by key.
pub(super) struct Raw {
    name: Option<LitStr>,
    order: Option<i32>,
    order_key: Option<Ident>,
    only: Option<Names>,
    except: Option<Names>,
    global: Option<bool>,
}

/// A list of subscribers' names, with its key.
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
}

impl Raw {
    /// Takes every key out of the table.
    pub(super) fn read(keys: &mut Keys<'_>, errors: &Errors) -> Self {
        let order = keys.take("order");
        Self {
            name: keys.take("name").and_then(|entry| entry.checked(check_name, errors)),
            order_key: order.as_ref().map(|entry| entry.key.clone()),
            order: order.and_then(|entry| entry.integer(errors)),
            only: keys.take("only").and_then(|entry| names(entry, errors)),
            except: keys.take("except").and_then(|entry| names(entry, errors)),
            global: keys.take("global").and_then(|entry| entry.boolean(errors)),
        }
    }

    /// Checks the keys together.
    pub(super) fn validate(self, function: &MiddlewareFn, errors: &Errors) -> Attribute {
        let global = self.global.unwrap_or(true);
        if let (Some(_), Some(except)) = (&self.only, &self.except) {
            errors.at(&except.key, "`only` and `except` exclude each other", "keep one of them");
        }
        if !global {
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
        Attribute { name, order: self.order.unwrap_or(0), global, only: list(self.only), except: list(self.except) }
    }
}

fn default_name(function: &MiddlewareFn, errors: &Errors) -> String {
    let name = dashed(&function.function.name());
    if let Err(fault) = check_name(&name) {
        errors.at(function.ident(), &fault.message, "give it a name: `#[middleware(name = \"…\")]`");
    }
    name
}

fn names(entry: Entry, errors: &Errors) -> Option<Names> {
    let key = entry.name();
    let (list, brackets) = entry.strings(&format!("{key} = [\"confirm-order\"]"), errors)?;
    if list.is_empty() {
        errors.at(brackets, format_args!("`{key}` is empty"), format_args!("name subscribers, or remove `{key}`"));
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
