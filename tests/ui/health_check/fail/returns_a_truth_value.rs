//! A `bool` does not say why.

#[swit::health_check]
async fn database() -> bool {
    true
}

fn main() {}
