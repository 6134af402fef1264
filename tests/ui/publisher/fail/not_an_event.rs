//! A type that is no event.

#![allow(unused)]

use swit::prelude::*;

pub struct Plain;

#[publisher(event = Plain)]
pub struct OrderCreatedPublisher;

fn main() {}
