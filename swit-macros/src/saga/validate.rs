//! The block as a whole: what its functions must be to each other. Only what comes out of here generates code.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::Type;

use super::{
    attribute::Attribute,
    block::Block,
    function::{Argument, Kind, Marked},
    keys::{self, CallKeys, StepKeys, WaitKeys},
    links::{self, Taken},
    source::{Of, Source},
};
use crate::{
    function::Function,
    names::{self, spelled},
    report::Errors,
    subscriber::attribute::Raw,
};

/// A saga that is right as far as one block can tell.
pub(super) struct Saga {
    pub(super) ty: Type,
    pub(super) cfgs: TokenStream,
    pub(super) attribute: Attribute,
    pub(super) key: Source,
    pub(super) steps: Vec<Step>,
    pub(super) start: Option<Start>,
}

/// A step, in its place.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) call: Call,
    pub(super) after: Option<Duration>,
    pub(super) wait: Option<Wait>,
    pub(super) idempotency_key: Option<Source>,
    pub(super) compensation: Option<Call>,
}

/// What a step waits for.
pub(super) struct Wait {
    pub(super) within: Option<Duration>,
    pub(super) optional: bool,
    pub(super) event: Type,
    pub(super) key: Source,
    pub(super) subscriber: Raw,
}

/// A function that steps and compensations call.
pub(super) struct Call {
    pub(super) marked: Marked,
    pub(super) arguments: Vec<Taken>,
    pub(super) returns: Type,
    pub(super) keys: CallKeys,
}

/// What starts it.
pub(super) struct Start {
    pub(super) marked: Marked,
    pub(super) returns: Type,
    pub(super) subscriber: Raw,
}

/// The functions of a block, by what they are.
pub(super) struct Functions {
    pub(super) starts: Vec<Marked>,
    /// Those that wait among them.
    pub(super) steps: Vec<Marked>,
    pub(super) compensations: Vec<Marked>,
    pub(super) plain: Vec<Function>,
}

impl Functions {
    fn of(functions: Vec<Function>, ty: &Type, errors: &Errors) -> Self {
        let mut found = Self { starts: Vec::new(), steps: Vec::new(), compensations: Vec::new(), plain: Vec::new() };
        for function in functions {
            match Marked::read(function, ty, errors) {
                Err(plain) => found.plain.push(*plain),
                Ok(marked) => match marked.kind {
                    Kind::Start => found.starts.push(marked),
                    Kind::Step | Kind::Wait => found.steps.push(marked),
                    Kind::Compensation => found.compensations.push(marked),
                },
            }
        }
        found
    }

    /// Those with an attribute.
    pub(super) fn marked(&self) -> impl Iterator<Item = &Marked> {
        self.starts.iter().chain(&self.steps).chain(&self.compensations)
    }
}

/// What each step says, and of those that wait how.
pub(super) struct Said {
    pub(super) step: StepKeys,
    pub(super) wait: Option<WaitKeys>,
}

/// Checks everything together. `None` where something was reported.
pub(super) fn validate(attribute: Attribute, block: Block, errors: &Errors) -> Option<Saga> {
    let Block { attributes, ty, functions } = block;
    let mut functions = Functions::of(functions, &ty, errors);
    has_steps(&functions, &ty, errors);
    let mut said: Vec<Said> = functions.steps.iter().map(|marked| said_of(marked, errors)).collect();
    let of_compensations: Vec<_> =
        functions.compensations.iter().map(|marked| keys::compensation(marked, errors)).collect();
    let names = step_names(&functions, &said, errors);
    let undone = links::compensations(&functions, &said, errors);
    let key = attribute.key.clone().map(|word| Source::resolve("key", word, Of::Saga, &functions, errors));
    let sources: Vec<_> = said.iter_mut().map(|said| sources(said, &functions, errors)).collect();
    let start = start(&mut functions, errors);
    let taken = links::outputs(&functions, &names, &undone, errors);
    let returns: Vec<_> =
        functions.steps.iter().chain(&functions.compensations).map(|marked| returns(marked, errors)).collect();
    let events: Vec<_> = functions.steps.iter().zip(&said).map(|(marked, said)| event(marked, said, errors)).collect();
    if errors.any() {
        return None;
    }
    let Functions { steps, compensations, .. } = functions;
    let of_steps = steps.len();
    let mut calls: Vec<Option<Call>> = steps
        .into_iter()
        .chain(compensations)
        .zip(returns)
        .zip(taken)
        .zip(said.iter().map(|said| said.step.call).chain(of_compensations))
        .map(|(((marked, returns), arguments), keys)| Some(Call { marked, arguments, returns: returns?, keys }))
        .collect();
    let mut compensations = calls.split_off(of_steps);
    let mut steps = Vec::new();
    for (index, (((call, said), name), (event, [wait_key, idempotency_key]))) in
        calls.into_iter().zip(said).zip(names).zip(events.into_iter().zip(sources)).enumerate()
    {
        let wait = said.wait.and_then(|wait| {
            let (event, optional) = event?;
            Some(Wait { within: wait.within, optional, event, key: wait_key?, subscriber: wait.subscriber })
        });
        let compensation = undone.iter().position(|undoes| *undoes == Some(index));
        steps.push(Step {
            name,
            call: call?,
            after: said.step.after,
            wait,
            idempotency_key,
            compensation: compensation.and_then(|at| compensations.get_mut(at)?.take()),
        });
    }
    let cfgs = names::cfgs(&attributes);
    Some(Saga { ty, cfgs, attribute, key: key?, steps, start })
}

fn has_steps(functions: &Functions, ty: &Type, errors: &Errors) {
    if functions.steps.is_empty() && !errors.any() {
        let help = "write `#[step(…)]` on each function that is one; they run in the order in which they stand here";
        errors.at(ty, format_args!("`{}` has no step", spelled(ty)), help);
    }
}

fn said_of(marked: &Marked, errors: &Errors) -> Said {
    if marked.kind == Kind::Wait {
        let (step, wait) = keys::wait(marked, errors);
        return Said { step, wait: Some(wait) };
    }
    Said { step: keys::step(marked, errors), wait: None }
}

/// What of an event finds the instance, and what the outside knows the step by.
fn sources(said: &mut Said, functions: &Functions, errors: &Errors) -> [Option<Source>; 2] {
    let key = said.wait.as_mut().and_then(|wait| wait.key.take());
    let idempotency_key = said.step.idempotency_key.take();
    [
        key.map(|word| Source::resolve("key", word, Of::Event, functions, errors)),
        idempotency_key.map(|word| Source::resolve("idempotency_key", word, Of::Saga, functions, errors)),
    ]
}

/// Each its own.
fn step_names(functions: &Functions, said: &[Said], errors: &Errors) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (marked, said) in functions.steps.iter().zip(said) {
        let name = match &said.step.name {
            Some(written) => written.value(),
            None => marked.name(),
        };
        let at = || said.step.name.as_ref().map_or_else(|| quote::quote!(#marked), |name| quote::quote!(#name));
        if let (None, Err(fault)) = (&said.step.name, swit_grammar::name::check_name(&name)) {
            errors.at(marked.ident(), &fault.message, "give it a name: `#[step(…, name = \"…\")]`");
        }
        if names.contains(&name) {
            let message = format_args!("two steps are called \"{name}\", by which an instance knows where it is");
            errors.at(at(), message, "give each step a name of its own");
        }
        names.push(name);
    }
    names
}

fn start(functions: &mut Functions, errors: &Errors) -> Option<Start> {
    let mut starts = std::mem::take(&mut functions.starts).into_iter();
    let marked = starts.next()?;
    for second in starts {
        let message = format_args!("`{}` is a second `#[start]`", second.name());
        let help = "keep one; what else starts the saga is a `#[subscriber]` that takes `Sagas` of it";
        errors.at(&second.word, message, help);
    }
    for Argument { output, .. } in &marked.arguments {
        if let Some(output) = output {
            let message = format_args!("`{}` has no step before it, whose output it could take", marked.name());
            errors.at(&output.tokens, message, "remove `#[output]`");
        }
    }
    if marked.returns.is_none() {
        let message =
            format_args!("`{}` returns nothing, but is to return what the saga is started with", marked.name());
        errors.at(marked.ident(), message, "return `Self`, or `Result<Self, E>`");
    }
    let subscriber = keys::start(&marked, errors);
    if let (true, Some(keyword)) = (subscriber.blocking, &marked.function.signature.asyncness) {
        let message = format_args!("`{}` is async, but `blocking` is for synchronous functions", marked.name());
        errors.at(keyword, message, "remove `async` to run it on the blocking pool, or remove `blocking`");
    }
    Some(Start { returns: marked.returns.clone()?, marked, subscriber })
}

/// What a step or a compensation comes to.
fn returns(marked: &Marked, errors: &Errors) -> Option<Type> {
    if marked.returns.is_none() {
        let message = format_args!("`{}` returns nothing, not even whether it failed", marked.name());
        errors.at(marked.ident(), message, "return `Result<(), E>`, or `Result<T, E>` of what later steps need");
    }
    marked.returns.clone()
}

/// The event that a wait takes, and whether it goes on without it.
fn event(marked: &Marked, said: &Said, errors: &Errors) -> Option<(Type, bool)> {
    let wait = said.wait.as_ref()?;
    let Some(Argument { ty, output: None }) = marked.arguments.first() else {
        let message = format_args!("`{}` takes no event", marked.name());
        let help = "take the event first: `async fn shipped(&self, event: OrderShipped, …)`";
        errors.at(marked.ident(), message, help);
        return None;
    };
    let Some(inside) = option_of(ty) else { return Some((ty.clone(), false)) };
    if wait.within.is_none() {
        let message = format_args!("`{}` waits without end, so that its event is never missing", marked.name());
        let help = format_args!(
            "write `within = \"…\"`, after which it goes on without the event; or take `{}`",
            spelled(inside)
        );
        errors.at(ty, message, help);
    }
    Some((inside.clone(), true))
}

/// `T` of `Option<T>`, whatever path leads there.
fn option_of(ty: &Type) -> Option<&Type> {
    let path = match ty {
        Type::Path(path) => path,
        // As a macro hands it on.
        Type::Group(group) => return option_of(&group.elem),
        Type::Paren(paren) => return option_of(&paren.elem),
        _ => return None,
    };
    let last = path.path.segments.last().filter(|last| last.ident == "Option")?;
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        syn::GenericArgument::Type(inside) => Some(inside),
        _ => None,
    }
}

impl quote::ToTokens for Marked {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.ident().to_tokens(tokens);
    }
}
