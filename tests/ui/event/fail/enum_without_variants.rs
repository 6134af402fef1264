//! An enum without variants.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Event)]
enum Orders {}

fn main() {}
