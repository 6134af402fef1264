//! The ledger's checker finds each kind of violation, and nothing else.

use std::{fs, path::PathBuf};

use swit_testbed::{
    folder::Folder,
    ledger::{DeadLetter, Effects, Ledger, Record},
};

struct Files {
    folder: Folder,
    producer: Ledger,
    handler: Ledger,
}

impl Files {
    /// Messages 1 to 5: two done, one dead, one unclear that was done all the same, one returned.
    fn sound() -> Self {
        let folder = Folder::temporary("ledger");
        let producer = Ledger::open(folder.path().join("producer"));
        let handler = Ledger::open(folder.path().join("handler"));
        producer.attempted_all(["1", "2", "3", "4", "5"]);
        for id in ["1", "2", "3"] {
            producer.confirmed(id);
        }
        producer.unknown("4");
        producer.returned("5");
        for id in ["1", "2", "4"] {
            handler.effect(id);
        }
        handler.dead("3", &letter());
        Self { folder, producer, handler }
    }

    fn violations(&self, effects: Effects) -> String {
        let record = Record::read_folder(self.folder.path());
        record.verify(effects).map_or_else(|violations| violations.to_string(), |()| String::new())
    }
}

fn letter() -> DeadLetter {
    DeadLetter { reason: "the handler failed".into(), attempts: 4, source: "orders.bill".into(), whole: true }
}

#[test]
fn a_sound_record_passes() {
    let files = Files::sound();
    assert_eq!(files.violations(Effects::Once), "");
    let record = Record::read_folder(files.folder.path());
    assert_eq!(record.attempted.len(), 5);
    assert!(record.ended("3") && !record.ended("5") && record.outstanding().is_empty());
    assert_eq!(record.dead["3"], [letter()]);
}

#[test]
fn a_lost_message_is_found() {
    let files = Files::sound();
    files.producer.confirmed("5");
    let found = files.violations(Effects::AtLeastOnce);
    assert!(found.ends_with("A: lost: confirmed, but neither done nor a dead letter: 1 messages: 5"), "{found}");
}

#[test]
fn an_invented_message_is_found() {
    let files = Files::sound();
    files.handler.effect("ghost");
    files.handler.dead("spectre", &letter());
    let found = files.violations(Effects::AtLeastOnce);
    assert!(found.contains("B: invented: done, but never published: 1 messages: ghost"), "{found}");
    assert!(found.contains("B: invented: a dead letter, but never published: 1 messages: spectre"), "{found}");
}

#[test]
fn a_double_effect_is_found_where_once_is_promised() {
    let files = Files::sound();
    files.handler.effect("2");
    assert_eq!(files.violations(Effects::AtLeastOnce), "");
    let found = files.violations(Effects::Once);
    assert!(found.ends_with("C: done more than once: 1 messages: 2 (2 times)"), "{found}");
}

#[test]
fn an_incomplete_dead_letter_is_found() {
    let files = Files::sound();
    files.handler.dead("1", &DeadLetter { attempts: 0, whole: false, ..letter() });
    files.handler.dead("2", &DeadLetter { reason: String::new(), source: String::new(), ..letter() });
    let found = files.violations(Effects::Once);
    let wanted =
        "D: an incomplete dead letter: 2 messages: 1 (no attempts, its body is damaged), 2 (no reason, no source)";
    assert!(found.ends_with(wanted), "{found}");
    let violations = Record::read_folder(files.folder.path()).verify(Effects::Once).unwrap_err();
    assert!(violations.breaks('D') && !violations.breaks('A'));
}

#[test]
fn many_ids_are_counted_and_some_named() {
    let files = Files::sound();
    for number in 0..100 {
        files.handler.effect(&format!("ghost-{number:03}"));
    }
    let found = files.violations(Effects::Once);
    assert!(
        found.contains("100 messages: ghost-000, ghost-001,") && found.ends_with("ghost-019 and 80 more"),
        "{found}"
    );
}

#[test]
fn a_line_that_a_kill_tore_is_not_counted() {
    let files = Files::sound();
    let path: PathBuf = files.folder.path().join("killed");
    fs::write(&path, "confirmed 1\nconfirmed gho").unwrap();
    assert_eq!(files.violations(Effects::Once), "");
    fs::write(&path, "confirmed gho\nconf").unwrap();
    assert!(files.violations(Effects::Once).contains("A: lost"));
}

#[test]
#[should_panic(expected = "is no ledger: it says `conf 1`")]
fn a_line_that_is_none_is_no_ledger() {
    let files = Files::sound();
    fs::write(files.folder.path().join("strange"), "conf 1\n").unwrap();
    files.violations(Effects::Once);
}

#[test]
fn threads_and_reopened_files_append() {
    let folder = Folder::temporary("ledger");
    let path = folder.path().join("one");
    for round in 0..2 {
        let ledger = Ledger::open(&path);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let ledger = &ledger;
                scope.spawn(move || (0..25).for_each(|number| ledger.attempted(&format!("{round}.{thread}.{number}"))));
            }
        });
    }
    assert_eq!(Record::read([path]).attempted.len(), 200);
}
