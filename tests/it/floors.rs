//! Holds the runtime to its floors: a module imports only from floors below its own; F2 may also look sideways, and no
//! F3 module sees another.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Top-level modules of `swit-runtime`, by floor, as its `lib.rs` lists them.
const FLOORS: [&[&str]; 5] = [
    &[
        "text",
        "id",
        "headers",
        "message",
        "topic",
        "limits",
        "clock",
        "classify",
        "outcome",
        "codec",
        "compression",
        "event",
        "error",
        "failpoint",
        "walled",
        "said",
        "metrics",
    ],
    &[
        "transport",
        "scope",
        "context",
        "classifiers",
        "extract",
        "middleware",
        "returns",
        "blocking",
        "error_classifier",
        "error_handler",
        "alert",
        "schema",
        "batch",
        "trace",
        "store",
    ],
    &["registry", "contract", "publisher", "policy", "pipeline", "composite", "consumer", "relay", "two_phase", "saga"],
    &["transports", "stores", "middlewares", "spans"],
    &["app", "testing", "conformance", "admin"],
];

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a file names by `crate::…`, outside of comments and of its own tests.
fn names(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let groups = match rest.strip_prefix('{') {
            Some(group) => top_level_names(group),
            None => vec![rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap().to_owned()],
        };
        names.extend(groups);
    }
    names
}

/// The first words of the entries of a `{…}` group of imports.
fn top_level_names(group: &str) -> Vec<String> {
    let (mut depth, mut word, mut names, mut in_first) = (0, String::new(), Vec::new(), true);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(std::mem::take(&mut word));
                in_first = true;
            }
            ':' if depth == 0 => in_first = false,
            c if depth == 0 && in_first && !c.is_whitespace() => word.push(c),
            _ => {}
        }
    }
    names.push(word);
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn a_module_imports_only_from_floors_below() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("swit-runtime/src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 60, "the sources are there");
    let mut wrong = Vec::new();
    for file in files {
        let path = file.strip_prefix(&root).unwrap();
        let module = path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let Some(own) = floor_of(module) else {
            wrong.push(format!("{}: `{module}` stands on no floor", path.display()));
            continue;
        };
        for name in names(&fs::read_to_string(&file).unwrap()) {
            let Some(other) = floor_of(&name) else { continue };
            let sideways = other == own && (own < 3 || own == 4);
            if name != module && other >= own && !sideways {
                wrong.push(format!("{} (F{own}) imports `{name}` (F{other})", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Who may spawn: whoever owns tasks. `blocking` runs functions, not tasks; the server of `admin` owns its connections.
const SPAWNS: [&str; 4] = ["consumer", "transports", "app", "admin"];

#[test]
fn tasks_are_spawned_by_their_owners_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("swit-runtime/src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let path = file.strip_prefix(&root).unwrap();
        let module = path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if path.ends_with("tests.rs") {
            continue;
        }
        let source = fs::read_to_string(&file).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        let spawns = ["spawn(", "spawn_on(", "JoinSet"].iter().any(|word| code.contains(word));
        // The conformance suite stands for whoever uses a transport.
        assert!(!spawns || SPAWNS.contains(&module) || module == "conformance", "{} spawns", path.display());
    }
}

#[test]
fn macros_and_runtime_do_not_depend_on_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (package, other) in [("swit-macros", "swit-runtime"), ("swit-runtime", "swit-macros")] {
        let manifest = fs::read_to_string(root.join(package).join("Cargo.toml")).unwrap();
        assert!(!manifest.contains(other), "{package} depends on {other}");
    }
}

#[test]
fn the_reader_of_imports_reads_them() {
    let source =
        "use crate::{a::b, c::{d, e}, f};\nuse crate::g::h; // crate::no\n// crate::no\nfn x() { crate::i::j() }";
    let mut found = names(source);
    found.retain(|name| name != "no");
    assert_eq!(found, ["a", "c", "f", "g", "i"]);
}
