//! What subscribers cost to build: time and size, in a crate made for it beside the target folder.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::report::Report;

const FEW: usize = 10;
const MANY: usize = 110;

pub(crate) fn measure(report: &mut Report) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("build-cost");
    let (clean, _) = build(&folder, FEW, true);
    report.add("clean_build_s", clean.as_secs_f64(), "s, clean release build of a service with 10 subscribers");
    // The same dependencies from here on: only the service itself is built.
    let (few, few_size) = build(&folder, FEW, false);
    let (many, many_size) = build(&folder, MANY, false);
    touch(&folder, MANY);
    let began = Instant::now();
    cargo(&folder);
    report.add(
        "rebuild_s_110",
        began.elapsed().as_secs_f64(),
        "s, release rebuild of 110 subscribers after touching one",
    );
    let each = (MANY - FEW) as f64;
    let millis = (many.as_secs_f64() - few.as_secs_f64()) * 1e3 / each;
    report.add("build_ms_per_subscriber", millis, "ms of release build a subscriber");
    report.add("binary_kib_per_subscriber", (many_size - few_size) / 1024.0 / each, "KiB of binary a subscriber");
}

/// Builds the service with so many subscribers; how long it took and how large it is.
fn build(folder: &Path, subscribers: usize, clean: bool) -> (Duration, f64) {
    if clean {
        let _ = fs::remove_dir_all(folder);
    }
    fs::create_dir_all(folder.join("src")).expect("the folder can be made");
    let swit = env!("CARGO_MANIFEST_DIR");
    let manifest = format!(
        "[package]\nname = \"build-cost\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         swit = {{ path = {swit:?} }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\
         tokio = {{ version = \"1\", features = [\"rt-multi-thread\", \"macros\"] }}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).expect("the manifest can be written");
    fs::copy(Path::new(swit).join("Cargo.lock"), folder.join("Cargo.lock")).expect("the lock file can be copied");
    fs::write(folder.join("src/main.rs"), source(subscribers, 0)).expect("the source can be written");
    let began = Instant::now();
    let binary = cargo(folder);
    (began.elapsed(), fs::metadata(binary).expect("the binary is there").len() as f64)
}

fn touch(folder: &Path, subscribers: usize) {
    fs::write(folder.join("src/main.rs"), source(subscribers, 1)).expect("the source can be written");
}

fn cargo(folder: &Path) -> PathBuf {
    let target = folder.join("target");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--offline", "--quiet"])
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(folder)
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the service of the build benchmark does not build");
    target.join("release/build-cost")
}

fn source(subscribers: usize, change: usize) -> String {
    let mut source = String::from(
        "use serde::{Deserialize, Serialize};\nuse swit::prelude::*;\n\
         #[derive(Debug, Serialize, Deserialize, Event)]\n#[event(topic = \"order.created\", version = 1)]\n\
         pub struct Order { pub id: String }\n",
    );
    for n in 0..subscribers {
        let extra = if n == 0 { change } else { 0 };
        write!(
            source,
            "#[subscriber(topic = \"order.created\")]\nasync fn handle_{n}(order: Order, meta: Metadata) -> Result<(), \
             std::io::Error> {{\n    if order.id.len() == {n} + {extra} && meta.attempt > 3 {{ return \
             Err(std::io::Error::other(\"no\")); }}\n    Ok(())\n}}\n"
        )
        .expect("text can be written");
    }
    source.push_str("#[tokio::main]\nasync fn main() -> swit::Result<()> { swit::run().await }\n");
    source
}
