//! `#[provider]` and `#[derive(ConfigSection)]`.

use std::{
    any::TypeId,
    sync::atomic::{AtomicU32, Ordering},
};

use serde::Deserialize;
use swit::{
    __private::{ProviderRef, ProviderRegistration, Requirements, inventory},
    ConfigSection, State, provider,
};

use crate::scope;

#[derive(Debug, Deserialize, ConfigSection)]
#[config(section = "pool")]
struct Section {
    #[expect(dead_code, reason = "only its section is asked for")]
    size: u32,
}

#[derive(Debug, Default)]
struct Pool {
    closed: AtomicU32,
}

impl Pool {
    async fn close(&self) -> Result<(), std::io::Error> {
        match self.closed.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(std::io::Error::other("closed already")),
        }
    }
}

#[provider(close = Pool::close)]
async fn open_pool(size: State<u8>, _section: Option<State<Section>>) -> Result<Pool, &'static str> {
    if *size == 0 { Err("no size") } else { Ok(Pool::default()) }
}

struct Report;

type Opened<T> = Result<T, std::convert::Infallible>;

#[provider(name = "reports")]
async fn open_report(_section: swit::Config<Section>) -> Opened<Report> {
    Ok(Report)
}

fn registered(name: &str) -> &'static ProviderRegistration {
    let found = inventory::iter::<ProviderRef>().find(|found| found.0.name == name);
    found.map_or_else(|| panic!("{name} is not registered"), |found| found.0)
}

#[tokio::test]
async fn a_provider_builds_and_closes() {
    let provider = registered("open_pool");
    assert_eq!((provider.output)(), TypeId::of::<Pool>());
    assert!((provider.output_name)().ends_with("Pool"));
    let full = scope([std::sync::Arc::new(3_u8) as _]);
    let built = (provider.build)(&full).await.expect("it builds");
    let close = provider.close.expect("it closes");
    assert!(close(built.clone()).await.is_ok());
    assert_eq!(close(built).await.expect_err("twice").to_string(), "closed already");
    let wrong: swit_runtime::scope::Shared = std::sync::Arc::new("no pool");
    assert!(close(wrong).await.is_err());
}

#[tokio::test]
async fn what_goes_wrong_comes_back_as_an_error() {
    let provider = registered("open_pool");
    let empty = scope([]);
    let error = (provider.build)(&empty).await.expect_err("the state is missing");
    assert_eq!(error.to_string(), "the state `u8` is missing");
    let zero = scope([std::sync::Arc::new(0_u8) as _]);
    assert_eq!((provider.build)(&zero).await.expect_err("no size").to_string(), "no size");
}

#[test]
fn an_alias_of_result_and_a_name_of_ones_own() {
    let provider = registered("reports");
    assert_eq!((provider.output)(), TypeId::of::<Report>());
    assert!(provider.close.is_none());
    let mut requirements = Requirements::new();
    (provider.requires)(&mut requirements);
    assert_eq!(requirements.configs()[0].section, "pool");
}
