//! An error that has no text to show.

struct Broken;

#[swit::health_check]
async fn database() -> Result<(), Broken> {
    Err(Broken)
}

fn main() {}
