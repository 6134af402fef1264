//! `critical` is yes or no.

#[swit::health_check(critical = "no")]
async fn database() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
