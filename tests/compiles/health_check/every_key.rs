//! Every key, and every kind of argument.

use swit::{Handle, prelude::*};

struct Orders;

impl Orders {
    async fn health(&self) -> Result<(), String> {
        Ok(())
    }
}

#[provider(health = Orders::health)]
async fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

struct Mail;

async fn reaches(_mail: &Mail) -> Result<(), std::io::Error> {
    Ok(())
}

#[provider(health(check = reaches, timeout = "2s", critical = false))]
async fn mail() -> Result<Mail, std::io::Error> {
    Ok(Mail)
}

#[swit::health_check(name = "orders-db", timeout = "2s", critical = false, crate = ::swit)]
async fn database(_orders: State<Orders>, _publisher: Publisher, _handle: Handle) -> Result<(), &'static str> {
    Err("down")
}

#[swit::health_check]
async fn plain() -> Result<(), std::convert::Infallible> {
    Ok(())
}
