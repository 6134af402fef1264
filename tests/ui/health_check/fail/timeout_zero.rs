//! No time at all.

#[swit::health_check(timeout = "0s")]
async fn database() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
