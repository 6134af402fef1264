//! Somebody else's future, behind a wall: whatever panics in it, whoever waits for it goes on.
//!
//! For what is called beside the handler and rarely; the handler's own wall is `pipeline::guard`, which costs no box.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What it comes to; none if it panics as it is made or run. That it panics as it is dropped, finished or not, changes nothing.
pub(crate) async fn walled<'a, T>(make: impl FnOnce() -> BoxFuture<'a, T>) -> Option<T> {
    let mut held = Held(caught(make));
    poll_fn(|task| match held.0.as_mut().map(|future| caught(|| future.as_mut().poll(task))) {
        Some(Some(polled)) => polled.map(Some),
        Some(None) | None => Poll::Ready(None),
    })
    .await
}

/// Dropped behind the wall as well.
struct Held<'a, T>(Option<BoxFuture<'a, T>>);

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        let future = self.0.take();
        caught(|| drop(future));
    }
}

/// What a function returns; none if it panics.
fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // What it panicked with is not trusted to be dropped.
            std::mem::forget(payload);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("as it is dropped");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_panics_stays_behind_the_wall() {
        assert_eq!(walled(|| Box::pin(async { 7 })).await, Some(7));
        assert_eq!(walled::<u8>(|| panic!("as it is made")).await, None);
        assert_eq!(walled::<u8>(|| Box::pin(async { panic!("as it runs") })).await, None);
        assert_eq!(walled::<u8>(|| Box::pin(async { std::panic::panic_any(Bomb) })).await, None);
        let left = Bomb;
        let stuck = walled::<u8>(move || {
            Box::pin(async move {
                let _left = &left;
                std::future::pending().await
            })
        });
        assert!(tokio::time::timeout(Duration::from_secs(1), stuck).await.is_err());
    }
}
