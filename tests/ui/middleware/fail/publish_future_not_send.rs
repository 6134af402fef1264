//! A future that cannot move between threads.

#![allow(unused)]

use swit::prelude::*;

#[middleware(publish)]
async fn sign(message: &mut Message, next: PublishNext<'_>) -> Result<MessageId, PublishError> {
    let counter = std::rc::Rc::new(1);
    let answer = next.run(message).await;
    drop(counter);
    answer
}

fn main() {}
