//! A saga wherever an impl block may stand, of a type by its path, with names that generated code might mean otherwise.

#![allow(non_camel_case_types)]

mod types {
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    pub(super) struct Deep<T> {
        pub(super) key: T,
    }
}

struct String;
struct Option;
struct Result;
struct Box;
struct step;

#[swit::saga(key = key, name = "deep")]
impl types::Deep<u8> {
    const COUNT: usize = 2;

    #[step(no_compensation)]
    async fn step(&self) -> core::result::Result<[u8; Self::COUNT], std::io::Error> {
        Ok([self.key; Self::COUNT])
    }
}

fn inside() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Inside {
        key: u8,
    }

    #[swit::saga(key = key, name = "inside")]
    impl Inside {
        #[step(no_compensation)]
        async fn step(&self) -> core::result::Result<Self, std::io::Error> {
            Ok(Self { key: self.key })
        }
    }
}
