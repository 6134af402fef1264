//! From delivery to verdict.
use crate::{registry::Handler, transport::BoxFuture};
/// A worker.
#[derive(Debug)]
pub struct Worker {}
/// Starts the loop of one worker of one handler.
pub fn start<H: Handler>(worker: Worker) -> BoxFuture<'static, ()> {
    let _ = H::REGISTRATION;
    Box::pin(async move {
        let _ = worker;
    })
}
