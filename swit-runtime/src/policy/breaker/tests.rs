//! The breaker against a simple model.
