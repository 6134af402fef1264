//! A function that is not async.

#[swit::health_check]
fn database() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
