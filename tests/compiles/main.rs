//! What must compile: every key and every shape that the macros take, one crate for all of it (each program linked is
//! large). What must not is in `tests/ui`.

#![allow(dead_code, unreachable_pub)]
// What is tested is what compiles, in any style.
#![allow(clippy::all, clippy::pedantic)]

mod batch {
    mod every_way;
}
mod classify {
    mod generic;
}
mod composite {
    mod every_key;
}
mod event {
    mod by_macro_rules;
    mod codecs;
    mod generic;
    mod shapes;
}
mod health_check {
    mod every_key;
}
mod publisher {
    mod every_key;
    mod names_of_the_prelude;
}
mod saga {
    mod by_macro_rules;
    mod every_key;
    mod in_functions_and_modules;
    mod renamed;
}
mod subscriber {
    mod argument_patterns;
    mod by_macro_rules;
    mod every_key;
    mod in_functions_and_modules;
    mod names_of_the_prelude;
    mod return_types;
    mod still_a_function;
}
