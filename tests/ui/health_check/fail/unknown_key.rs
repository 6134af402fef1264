//! A key that is not there.

#[swit::health_check(timout = "2s")]
async fn database() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
