//! An argument that it does not own.

struct Orders;

#[swit::health_check]
async fn database(_orders: &Orders) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
