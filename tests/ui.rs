//! What the compiler says of mistakes (`tests/ui/<macro>/fail`, one a file), and what must compile (`pass`).
//!
//! `TRYBUILD=overwrite cargo test --test ui` writes the expected messages anew; read them before they are committed.

/// One test a macro, so that a failure names it.
macro_rules! ui {
    ($($name:ident),* $(,)?) => { $(
        #[test]
        fn $name() {
            let cases = trybuild::TestCases::new();
            cases.compile_fail(concat!("tests/ui/", stringify!($name), "/fail/*.rs"));
        }
    )* };
}

ui!(
    batch,
    classify,
    composite,
    config_section,
    event,
    event_handler,
    handle,
    handlers,
    health_check,
    middleware,
    provider,
    publisher,
    subscriber
);

#[test]
fn pass() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/*/pass/*.rs");
}
