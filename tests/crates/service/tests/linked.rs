//! What `handlers!` links is found, in the binary and in this test; what it records is right.

use std::process::Command;

use swit::__private::{
    EventHandlerRef, EventRegistration, LinkedCrates, MiddlewareRef, ProviderRef, PublishMiddlewareRef, PublisherRef,
    SubscriberRef, inventory,
};

swit::handlers!(swit_test_renamed);

fn sorted(mut names: Vec<&'static str>) -> Vec<&'static str> {
    names.sort_unstable();
    names
}

#[test]
fn everything_of_the_library_is_found() {
    assert_eq!(
        sorted(inventory::iter::<SubscriberRef>().map(|found| found.0.name).collect()),
        ["announce", "reserve-stock", "restock", "write-bill"]
    );
    assert_eq!(
        sorted(inventory::iter::<EventHandlerRef>().map(|found| found.0.name).collect()),
        ["file-away", "order-more"]
    );
    assert_eq!(inventory::iter::<MiddlewareRef>().map(|found| found.0.name).collect::<Vec<_>>(), ["count"]);
    let publishing = inventory::iter::<PublishMiddlewareRef>().map(|found| found.0.name);
    assert_eq!(publishing.collect::<Vec<_>>(), ["stamp"]);
    let publishers = inventory::iter::<PublisherRef>().map(|found| found.0.name);
    assert_eq!(publishers.collect::<Vec<_>>(), ["stock-reserved"]);
    assert_eq!(inventory::iter::<ProviderRef>().map(|found| found.0.name).collect::<Vec<_>>(), ["open_warehouse"]);
    assert_eq!(
        sorted(inventory::iter::<EventRegistration>().map(|found| found.name).collect()),
        ["OrderPlaced", "StockReserved"]
    );
}

#[test]
fn the_crates_and_the_package_are_recorded() {
    let linked: Vec<_> = inventory::iter::<LinkedCrates>().collect();
    assert_eq!(linked.len(), 1);
    assert_eq!(linked[0].crates, ["swit_test_renamed"]);
    assert_eq!((linked[0].package, linked[0].version), (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")));
    let listed = |name| inventory::iter::<SubscriberRef>().any(|found| found.0.location.krate() == name);
    assert!(listed("swit_test_renamed"));
}

#[test]
fn the_binary_links_them() {
    let output = Command::new(env!("CARGO_BIN_EXE_swit-test-service")).output().expect("the service runs");
    let text = String::from_utf8(output.stdout).expect("it prints text");
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "swit_test_renamed::announce",
            "swit_test_renamed::billing::write-bill",
            "swit_test_renamed::reserve-stock",
            "swit_test_renamed::restock"
        ]
    );
}
