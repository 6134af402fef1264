//! The help of a fault about a word that nobody knows: the nearest known one, and all of them where they are few.

use swit_grammar::nearest::nearest;

/// Longest list of words that a help spells out beside its suggestion.
const LIST: usize = 16;

/// The nearest known word, and all of them where they are few.
pub(super) fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, title: &str) -> String {
    let mut all: Vec<&str> = known.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    let near = nearest(word, all.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    let list = match all.len() {
        0 => Some("there are none".to_owned()),
        1..=LIST => Some(format!("{title}`{}`", all.join("`, `"))),
        // A thousand subscribers help nobody.
        _ => near.is_none().then(|| format!("{title}`{}`, …", all[..LIST].join("`, `"))),
    };
    [near, list].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_and_lists() {
        assert_eq!(suggest("chek", ["run", "check"], "commands: "), "did you mean `check`? commands: `check`, `run`");
        assert_eq!(suggest("zzzzzz", ["run"], "commands: "), "commands: `run`");
        assert_eq!(suggest("x", [], "commands: "), "there are none");
        let many: Vec<String> = (100..120).map(|n| format!("subscriber-{n}")).collect();
        let many = || many.iter().map(String::as_str);
        assert_eq!(suggest("subscriber-107x", many(), "known: "), "did you mean `subscriber-107`?");
        assert!(suggest("zzzzzz", many(), "known: ").ends_with("`subscriber-115`, …"));
    }
}
