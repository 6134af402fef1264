//! Whatever goes wrong, in whichever order: in the end every instance is completed or undone, each effect is there once, and
//! nothing is lost.
//!
//! `SWIT_SEEDS=100000` lives through so many worlds; `SWIT_SEED=17` through this one, and prints all that happens in it.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use swit_simulation::{Breach, Found, run, run_broken};

const SEEDS: u64 = 2_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Says what is wrong with a seed, and how to see it again.
fn report(seed: u64, found: &Found) -> String {
    let from = found.trace.len().saturating_sub(40);
    format!(
        "seed {seed} ({} faults; SWIT_SEED={seed} shows all of it):\n  {}\n{}\n",
        found.faults,
        found.wrong.join("\n  "),
        found.trace[from..].join("\n")
    )
}

#[test]
fn every_seed_ends_well() {
    if let Some(seed) = number("SWIT_SEED") {
        let found = run(seed);
        for line in &found.trace {
            println!("{line}");
        }
        println!("{:?}", found.ended);
        assert!(found.wrong.is_empty(), "{}", report(seed, &found));
        return;
    }
    let seeds = number("SWIT_SEEDS").unwrap_or(SEEDS);
    let (next, began) = (AtomicU64::new(0), Instant::now());
    let failed: Mutex<BTreeMap<u64, String>> = Mutex::default();
    let all: Mutex<(u64, u64, BTreeMap<&str, u32>)> = Mutex::default();
    std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            threads.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || failed.lock().unwrap().len() >= 10 {
                        return;
                    }
                    let found = run(seed);
                    let mut all = all.lock().unwrap();
                    all.0 += found.faults;
                    all.1 += found.trace.len() as u64;
                    for (state, count) in &found.ended {
                        *all.2.entry(state).or_default() += count;
                    }
                    if !found.wrong.is_empty() {
                        failed.lock().unwrap().insert(seed, report(seed, &found));
                    }
                }
            });
        }
    });
    let (faults, calls, ended) = all.into_inner().unwrap();
    println!("{seeds} seeds in {:?}: {calls} calls, {faults} faults, {ended:?}", began.elapsed());
    let failed = failed.into_inner().unwrap();
    if let Some((_, first)) = failed.first_key_value() {
        for (seed, said) in &failed {
            println!("{seed}: {}", said.lines().nth(1).unwrap_or_default());
        }
        panic!("{} seeds fail ({:?}); the first:\n{first}", failed.len(), failed.keys());
    }
    // A world in which nothing happens proves nothing.
    for state in ["completed", "compensated", "cancelled", "timed_out"] {
        assert!(ended.get(state).copied().unwrap_or(0) > 0, "no instance {state}: {ended:?}");
    }
    assert!(faults > seeds, "hardly anything goes wrong: {faults} faults in {seeds} seeds");
}

#[test]
fn a_seed_repeats_itself() {
    for seed in 0..50 {
        let (first, second) = (run(seed).trace, run(seed).trace);
        let differs = first.iter().zip(&second).position(|(first, second)| first != second);
        let at = differs.or((first.len() != second.len()).then(|| first.len().min(second.len())));
        if let Some(at) = at {
            let from = at.saturating_sub(5);
            let part = |trace: &[String]| trace.iter().skip(from).take(10).cloned().collect::<Vec<_>>().join("\n");
            panic!("seed {seed} differs at {at}:\n{}\n---\n{}", part(&first), part(&second));
        }
    }
}

#[test]
fn seeds_differ() {
    assert_ne!(run(1).trace, run(2).trace);
}

/// A world that hides what is wrong in it proves nothing: each broken promise shows within so many seeds.
#[test]
fn whatever_is_broken_shows() {
    const WITHIN: u64 = 200;
    let mut hidden = Vec::new();
    for breach in Breach::ALL {
        match (0..WITHIN).find_map(|seed| Some((seed, run_broken(seed, breach).wrong.into_iter().next()?))) {
            Some((seed, wrong)) => println!("{breach:?} shows after {} seeds: {wrong}", seed + 1),
            None => hidden.push(breach),
        }
    }
    assert!(hidden.is_empty(), "{hidden:?} do not show within {WITHIN} seeds");
}
