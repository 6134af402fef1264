//! `#[middleware]`: what is registered.

use swit::{
    __private::{MiddlewareItem, MiddlewareRef, Requirements, inventory},
    Context, Next, Outcome, State, middleware,
};

#[middleware(order = -10, only = ["a", "b"])]
async fn authenticate(cx: &mut Context, next: Next<'_>, _keys: State<Vec<u8>>) -> Outcome {
    let outcome = next.run(cx).await;
    // The context is usable after the rest has run.
    if cx.attempt() > 9 { Outcome::discard("too often") } else { outcome }
}

#[middleware(global = false, name = "spans.all")]
async fn spans(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

#[middleware(except = ["c"])]
async fn audit_all(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

#[test]
fn a_registration_says_what_the_attribute_says() {
    let found = authenticate::REGISTRATION;
    assert_eq!((found.name, found.order, found.global), ("authenticate", -10, true));
    assert_eq!((found.only, found.except), (&["a", "b"][..], &[][..]));
    let mut requirements = Requirements::new();
    (found.requires)(&mut requirements);
    assert_eq!(requirements.states().len(), 1);
    let found = spans::REGISTRATION;
    assert_eq!((found.name, found.order, found.global), ("spans.all", 0, false));
    assert_eq!(audit_all::REGISTRATION.except, ["c"]);
    assert_eq!(audit_all::REGISTRATION.name, "audit-all");
    for name in ["authenticate", "spans.all", "audit-all"] {
        assert_eq!(inventory::iter::<MiddlewareRef>().filter(|found| found.0.name == name).count(), 1, "{name}");
    }
}
