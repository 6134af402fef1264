//! Handlers with `blocking`: synchronous functions, run where blocking is allowed.

use tokio::task;
use tracing::Span;

/// Runs a synchronous handler on tokio's blocking pool, inside the current span.
///
/// A panic goes on here, so that the pipeline's panic guard sees it. Not cancel-safe in the usual sense: a timeout drops
/// the future, but the function runs to its end, unobserved.
pub async fn run<T: Send + 'static>(handler: impl FnOnce() -> T + Send + 'static) -> T {
    let span = Span::current();
    match task::spawn_blocking(move || span.in_scope(handler)).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that is going down refuses the task: this future goes with it.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn answers_with_the_functions_value() {
        assert_eq!(super::run(|| 7).await, 7);
    }

    #[tokio::test]
    #[should_panic(expected = "the handler's own")]
    async fn a_panic_goes_on_in_the_caller() {
        super::run(|| panic!("the handler's own")).await;
    }
}
