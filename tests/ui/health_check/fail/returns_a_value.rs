//! Nobody takes what it returns.

#[swit::health_check]
async fn database() -> Result<u32, std::io::Error> {
    Ok(1)
}

fn main() {}
