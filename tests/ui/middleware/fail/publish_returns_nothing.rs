//! A publisher waits for an answer.

#![allow(unused)]

use swit::prelude::*;

#[middleware(publish)]
async fn sign(message: &mut Message, next: PublishNext<'_>) {}

fn main() {}
