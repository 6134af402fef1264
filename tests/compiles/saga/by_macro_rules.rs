//! Sagas that a macro of the user's writes, with names from it and from its caller.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "thing.done", key = r#type)]
struct Done {
    r#type: u64,
}

macro_rules! sagas {
    ($($name:ident, $key:ident: $ty:ty, $step:ident, $output:ty, $undo:ident;)*) => { $(
        #[derive(Serialize, Deserialize)]
        struct $name {
            $key: $ty,
        }

        #[saga(key = $key)]
        impl $name {
            #[start]
            fn begin(event: Done) -> Self {
                Self { $key: event.r#type }
            }

            #[step(compensate = $undo)]
            async fn $step(&self, tx: Tx) -> Result<$output, std::io::Error> {
                drop(tx);
                Ok(Default::default())
            }

            #[compensation]
            async fn $undo(&self, #[output] output: $output) -> Result<(), std::io::Error> {
                let _ = (&self.$key, output);
                Ok(())
            }

            #[wait(key = r#type, no_compensation)]
            async fn last(&self, event: Done, #[output($step)] output: $output) -> Result<(), std::io::Error> {
                let _ = (event, output);
                Ok(())
            }
        }
    )* };
}

sagas! {
    First, key: u64, step, Vec<u8>, undo;
    Second, r#type: u64, r#loop, String, r#move;
}

macro_rules! whole {
    ($saga:item) => {
        #[saga(key = key, name = "whole")]
        $saga
    };
}

#[derive(Serialize, Deserialize)]
struct Whole {
    key: u64,
}

whole! {
    impl Whole {
        #[step(no_compensation)]
        async fn step(&self) -> Result<u64, std::io::Error> {
            Ok(self.key)
        }
    }
}
