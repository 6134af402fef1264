//! Made-up orders: the same seed makes the same lines, on every machine.
//!
//! They cover every branch of the service: orders that go through, are out of stock, declined, flaky, down, or crash
//! the partner's client; repeated ids, with the same body and with others; invalid lines of every sort; blank lines and
//! Windows line breaks.

mod invalid;
mod random;
mod valid;
mod words;

use std::io::{self, Write};

use random::Random;

/// Writes this many lines that are not blank, and some blank ones between them.
///
/// # Errors
/// They can't be written.
pub fn write(count: u64, seed: u64, out: &mut impl Write) -> io::Result<()> {
    let mut random = Random::new(seed);
    let (mut text, mut last) = (String::new(), String::new());
    for number in 1..=count {
        text.clear();
        line(number, &last, &mut random, &mut text);
        if random.one_in(10) {
            last.clone_from(&text);
        }
        // A service must read both.
        let line_break = if random.one_in(40) { "\r\n" } else { "\n" };
        out.write_all(text.as_bytes())?;
        out.write_all(line_break.as_bytes())?;
        if random.one_in(60) {
            out.write_all(random.pick(&["\n", "   \n", "\r\n", "\t\n"]).as_bytes())?;
        }
    }
    Ok(())
}

/// Writes a line; `last` is one of those before it.
fn line(number: u64, last: &str, random: &mut Random, text: &mut String) {
    let share = random.below(1_000);
    // The first lines have none before them to repeat.
    let earlier = 1 + random.below(number.max(2) - 1).min(number.saturating_sub(1));
    match share {
        0..8 if !last.is_empty() => text.push_str(last),
        8..20 if number > 10 => valid::order(&valid::Plan::new(earlier), random, text),
        20..80 => {
            let plan = valid::Plan::new(number);
            invalid::line(&plan, random, text);
        }
        // An invalid line takes no id: the valid one that follows with the same id is the first.
        80..90 if number > 10 => invalid::line(&valid::Plan::new(earlier), random, text),
        _ => valid::order(&valid::Plan::new(number), random, text),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::order;

    fn lines(count: u64, seed: u64) -> Vec<u8> {
        let mut out = Vec::new();
        write(count, seed, &mut out).unwrap();
        out
    }

    #[test]
    fn the_same_seed_makes_the_same_lines() {
        assert_eq!(lines(500, 7), lines(500, 7));
        assert_ne!(lines(500, 7), lines(500, 8));
    }

    #[test]
    fn every_branch_is_there() {
        let text = String::from_utf8(lines(2_000, 7)).unwrap();
        assert!(text.contains("\r\n") && text.lines().any(|line| line.trim().is_empty()));
        let mut found: BTreeMap<&str, u32> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let Ok(order) = order::read(line.as_bytes()) else {
                *found.entry("invalid").or_default() += 1;
                continue;
            };
            let token = &order.payment.token;
            let kind = ["declined", "flaky", "down", "panic"].into_iter().find(|kind| token.contains(kind));
            *found.entry(kind.unwrap_or("paid")).or_default() += 1;
            if order.items.iter().any(|item| item.sku.as_str().starts_with("OOS-")) {
                *found.entry("out of stock").or_default() += 1;
            }
        }
        for kind in ["invalid", "paid", "declined", "flaky", "down", "panic", "out of stock"] {
            assert!(found.get(kind).is_some_and(|number| *number >= 10), "{kind}: {found:?}");
        }
    }

    #[test]
    fn what_is_called_invalid_is() {
        let mut random = Random::new(1);
        for number in 0..2_000 {
            let mut text = String::new();
            invalid::line(&valid::Plan::new(number), &mut random, &mut text);
            let read = order::read(text.as_bytes());
            assert!(read.is_err() || read.is_ok_and(|order| order.total().is_err()), "{text}");
            text.clear();
            valid::order(&valid::Plan::new(number), &mut random, &mut text);
            assert!(order::read(text.as_bytes()).is_ok(), "{text}");
        }
    }
}
