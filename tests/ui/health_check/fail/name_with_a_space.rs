//! A name that no name may be.

#[swit::health_check(name = "orders db")]
async fn database() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
