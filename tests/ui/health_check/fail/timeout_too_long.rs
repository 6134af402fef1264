//! Longer than anybody waits.

#[swit::health_check(timeout = "1m")]
async fn database() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
