//! The attribute and derive macros of swit.
