//! What the compiler says of mistakes (`tests/ui/<macro>/fail`, one a file). What must compile is in `tests/compiles`.
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
    saga,
    subscriber,
    two_phase
);

/// A macro that panics is a bug, whatever the mistake.
#[test]
fn no_mistake_makes_a_macro_panic() {
    let texts = std::fs::read_dir("tests/ui").unwrap().flat_map(|group| {
        let fail = group.unwrap().path().join("fail");
        std::fs::read_dir(fail).into_iter().flatten().map(|file| file.unwrap().path())
    });
    let texts: Vec<_> = texts.filter(|path| path.extension().is_some_and(|extension| extension == "stderr")).collect();
    assert!(texts.len() > 200, "{}", texts.len());
    for path in texts {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("macro panicked"), "{}", path.display());
    }
}
