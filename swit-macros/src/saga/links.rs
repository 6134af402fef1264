//! What functions of the block say of each other: which compensation undoes which step, and whose output is whose argument.

use proc_macro2::Ident;
use swit_grammar::nearest::nearest;
use syn::Type;

use super::{
    function::{Argument, Kind, Marked, Output},
    keys::Undo,
    validate::{Functions, Said},
};
use crate::report::Errors;

/// Where an argument comes from.
pub(super) enum Taken {
    /// As a handler's.
    Extracted(Type),
    /// The event that was waited for, or an `Option` of it.
    Event(Type),
    /// The output of the step that a compensation undoes: the step's name, and what its function returns.
    Own { step: String, returns: Type, ty: Type },
    /// The output of an earlier step, likewise.
    Earlier { step: String, returns: Type, ty: Type },
}

impl Taken {
    pub(super) fn ty(&self) -> &Type {
        match self {
            Self::Extracted(ty) | Self::Event(ty) | Self::Own { ty, .. } | Self::Earlier { ty, .. } => ty,
        }
    }

    /// The type of what is taken as a handler takes it.
    pub(super) fn extracted(&self) -> Option<&Type> {
        if let Self::Extracted(ty) = self { Some(ty) } else { None }
    }
}

/// Which step each compensation undoes.
pub(super) fn compensations(functions: &Functions, said: &[Said], errors: &Errors) -> Vec<Option<usize>> {
    let mut undone: Vec<Option<usize>> = vec![None; functions.compensations.len()];
    let mut is_clear = true;
    for (index, said) in said.iter().enumerate() {
        let word = match &said.step.undo {
            Undo::By(word) => word,
            Undo::Nothing => continue,
            Undo::Reported => {
                is_clear = false;
                continue;
            }
        };
        let Some(found) = functions.compensations.iter().position(|marked| marked.ident() == word) else {
            is_clear = false;
            no_compensation(functions, &functions.steps[index], word, errors);
            continue;
        };
        match undone[found] {
            None => undone[found] = Some(index),
            Some(other) => {
                let other = functions.steps[other].name();
                let help = "write a compensation for each step; what they share goes into a function that both call";
                errors.at(
                    word,
                    format_args!("`{word}` already undoes `{other}`, and is called with the output of one step"),
                    help,
                );
            }
        }
    }
    for (compensation, _) in
        functions.compensations.iter().zip(&undone).filter(|(_, undoes)| undoes.is_none() && is_clear)
    {
        let name = compensation.name();
        let help = format_args!("name it at the step that it undoes: `#[step(compensate = {name})]`; or remove it");
        errors.at(compensation.ident(), format_args!("`{name}` is a compensation, but undoes no step"), help);
    }
    undone
}

fn no_compensation(functions: &Functions, step: &Marked, word: &Ident, errors: &Errors) {
    if let Some(marked) = functions.marked().find(|marked| marked.ident() == word) {
        let message = if marked.ident() == step.ident() {
            format!("`{word}` can't undo itself")
        } else {
            format!("`{word}` undoes nothing: it has `{}`", marked.kind.attribute())
        };
        errors.at(word, message, "name a function with `#[compensation]`");
        return;
    }
    if functions.plain.iter().any(|function| function.signature.ident == *word) {
        let message = format_args!("`{word}` is a function, but no compensation");
        errors.at(word, message, format_args!("write `#[compensation]` above `{word}`"));
        return;
    }
    let names: Vec<String> = functions.compensations.iter().map(Marked::name).collect();
    let message = format_args!("this block has no compensation `{word}`");
    let help = nearest(&word.to_string(), names.iter().map(String::as_str)).map_or_else(
        || {
            format!(
                "write it: `#[compensation] async fn {word}(&self, …) -> Result<(), E>`; or `no_compensation` in the place of `compensate`"
            )
        },
        |near| format!("did you mean `{near}`?"),
    );
    errors.at(word, message, help);
}

/// Where the arguments of the steps, and then of the compensations, come from.
pub(super) fn outputs(
    functions: &Functions,
    names: &[String],
    undone: &[Option<usize>],
    errors: &Errors,
) -> Vec<Vec<Taken>> {
    let of_step = |index: usize| Place { functions, names, index, errors };
    let steps = functions.steps.iter().enumerate().map(|(index, marked)| of_step(index).all(marked));
    let compensations = functions.compensations.iter().zip(undone).map(|(marked, undoes)| match undoes {
        Some(index) => of_step(*index).all(marked),
        // It is not said whose it is, which was reported.
        None => Vec::new(),
    });
    steps.chain(compensations).collect()
}

/// The place of a function: that of its step.
struct Place<'a> {
    functions: &'a Functions,
    names: &'a [String],
    index: usize,
    errors: &'a Errors,
}

impl Place<'_> {
    fn all(&self, marked: &Marked) -> Vec<Taken> {
        let mut own = 0;
        let mut taken = Vec::new();
        for (at, Argument { ty, output }) in marked.arguments.iter().enumerate() {
            taken.push(match output {
                None if marked.kind == Kind::Wait && at == 0 => Taken::Event(ty.clone()),
                None => Taken::Extracted(ty.clone()),
                Some(output) => {
                    own += usize::from(output.step.is_none());
                    if own > 1 && output.step.is_none() && marked.kind == Kind::Compensation {
                        let message = format_args!("`{}` takes the output of its step twice", marked.name());
                        self.errors.at(&output.tokens, message, "keep one of them");
                    }
                    self.output(marked, output, ty)
                }
            });
        }
        taken
    }

    fn output(&self, marked: &Marked, output: &Output, ty: &Type) -> Taken {
        let is_compensation = marked.kind == Kind::Compensation;
        let index = match &output.step {
            None if is_compensation => self.index,
            None => {
                self.says_no_step(marked, output);
                self.index
            }
            Some(word) => self.earlier(marked, word),
        };
        let (step, returns) = (self.names[index].clone(), self.functions.steps[index].returns.clone());
        let (returns, ty) = (returns.unwrap_or_else(|| syn::parse_quote!(())), ty.clone());
        if output.step.is_none() { Taken::Own { step, returns, ty } } else { Taken::Earlier { step, returns, ty } }
    }

    fn says_no_step(&self, marked: &Marked, output: &Output) {
        if output.is_wrong {
            return;
        }
        let message = format_args!("`#[output]` in `{}` does not say whose output it is", marked.name());
        let help = match self.index.checked_sub(1).map(|before| self.functions.steps[before].name()) {
            Some(before) => format!("name an earlier step, such as `#[output({before})]`"),
            None => "remove it: there is no step before this one".to_owned(),
        };
        self.errors.at(&output.tokens, message, help);
    }

    /// The step that is named, where it stands before this one.
    fn earlier(&self, marked: &Marked, word: &Ident) -> usize {
        let (name, steps) = (marked.name(), &self.functions.steps);
        let earlier = || {
            let names: Vec<String> = steps[..self.index].iter().map(|step| format!("`{}`", step.name())).collect();
            if names.is_empty() {
                "remove it: no step runs before this one".to_owned()
            } else {
                format!("the steps before it are {}", names.join(", "))
            }
        };
        match steps.iter().position(|step| step.ident() == word) {
            Some(index) if index < self.index => return index,
            Some(index) if index == self.index && marked.kind == Kind::Compensation => {
                let message = format_args!("`{word}` is the step that `{name}` undoes");
                self.errors.at(word, message, "write `#[output]` alone: it is the output of the step that is undone");
            }
            Some(index) if index == self.index => {
                self.errors.at(word, format_args!("`{name}` can't take its own output"), earlier());
            }
            Some(_) => {
                let message = format_args!("`{word}` runs after `{name}`: steps run in the order in which they stand");
                self.errors.at(word, message, earlier());
            }
            None => self.unknown(word, &earlier()),
        }
        self.index
    }

    fn unknown(&self, word: &Ident, earlier: &str) {
        if let Some(marked) = self.functions.marked().find(|marked| marked.ident() == word) {
            let message = format_args!("`{word}` has `{}`; only steps have outputs", marked.kind.attribute());
            self.errors.at(word, message, earlier);
            return;
        }
        let names: Vec<String> = self.functions.steps.iter().map(Marked::name).collect();
        let message = format_args!("this block has no step `{word}`");
        match nearest(&word.to_string(), names.iter().map(String::as_str)) {
            Some(near) => self.errors.at(word, message, format_args!("did you mean `{near}`?")),
            None => self.errors.at(word, message, earlier),
        }
    }
}
