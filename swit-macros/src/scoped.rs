//! Functions whose arguments come from what the service shares, and not from a delivery: providers and health checks.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Type};

use crate::{
    function::{Function, Role},
    names::Private,
    report::Errors,
};

/// Such a function: `async fn(arguments…) -> Result<T, E>`.
pub(crate) struct Scoped {
    pub(crate) function: Function,
    pub(crate) arguments: Vec<Type>,
    pub(crate) returns: Type,
}

/// What is said of one that returns nothing.
pub(crate) struct Nothing {
    /// What follows the function's name.
    pub(crate) says: &'static str,
    pub(crate) help: &'static str,
}

impl Scoped {
    /// Reads and checks the function.
    pub(crate) fn read(item: TokenStream, role: &Role, nothing: &Nothing, errors: &Errors) -> Option<Self> {
        let function = Function::read(item, role, errors)?;
        function.check(role, true, errors);
        let arguments = function.argument_types(0, role, errors).into_iter().cloned().collect();
        let returns = function.returns(errors).cloned();
        if returns.is_none() {
            let name = function.name();
            errors.at(&function.signature.ident, format_args!("`{name}` {}", nothing.says), nothing.help);
        }
        Some(Self { arguments, returns: returns?, function })
    }

    pub(crate) fn ident(&self) -> &Ident {
        &self.function.signature.ident
    }

    /// `fn called(…)`, which takes the arguments out of the scope, calls the function and makes a `Result` of this type of
    /// what is then `__returned`.
    pub(crate) fn calling(
        &self,
        called: &str,
        of: &TokenStream,
        result: &TokenStream,
        private: &Private,
    ) -> TokenStream {
        let (ident, returns, called) = (self.ident(), &self.returns, format_ident!("{called}"));
        let names: Vec<Ident> = (0..self.arguments.len()).map(|index| format_ident!("__argument_{index}")).collect();
        let extract = self.arguments.iter().zip(&names).map(|(ty, name)| {
            quote! {
                let #name = <#ty as #private::FromScope>::from_scope(__scope).map_err(#private::provider_failure)?;
            }
        });
        let call = quote_spanned!(ident.span()=> #ident(#(#names),*).await);
        // At the function's name, so that a future that is not `Send` is reported there.
        let body = quote_spanned! {ident.span()=>
            ::std::boxed::Box::pin(async move {
                let _ = __scope;
                #(#extract)*
                let __returned: #returns = #call;
                #result
            })
        };
        quote! {
            fn #called(
                __scope: &#private::Scope,
            ) -> #private::BoxFuture<'_, ::core::result::Result<#of, #private::BoxError>> {
                #body
            }
        }
    }
}
