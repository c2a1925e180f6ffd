//! The parsers of the reader take any bytes: no panic, no memory for a length that is a lie, and what they accept is
//! consistent.
//!
//! Here the kept inputs are read, and as many more that differ from them a little, always the same ones. To look for
//! others: `tests/fuzz/guided.sh`, which grows the corpus.
//!
//! `CLEARML_FUZZ_ROUNDS` sets how often the inputs of each target are changed (default 3,000).
//!
//! | module | subject |
//! |---|---|
//! | `targets` | one function for each parser |
//! | `corpus` | the inputs that are kept |
//! | `mutate` | changes an input |
//! | `seeds`, `mongo_seeds` | what there is to begin with: the files of real nodes |

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod corpus;
mod mongo_seeds;
mod mutate;
mod seeds;
mod targets;

use fastrand::Rng;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use targets::{TARGETS, Target};

/// Memory is measured for the whole process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn rounds() -> usize {
    std::env::var("CLEARML_FUZZ_ROUNDS").map_or(3_000, |rounds| rounds.parse().unwrap())
}

/// Gives an input to a target; one that it fails on is kept.
fn check(target: &Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| target.check(input))).unwrap_or_else(|_| {
        let failures = Path::new("target/fuzz/failures");
        let file = failures.join(format!("{}-{:016x}", target.name, fastrand::u64(..)));
        fs::create_dir_all(failures).unwrap();
        fs::write(&file, input).unwrap();
        panic!("{} fails on {} bytes, kept in {}", target.name, input.len(), file.display());
    })
}

#[test]
fn every_parser_takes_the_kept_inputs_and_what_is_near_them() {
    let _alone = ALONE.lock();
    let (mut corpus, seeds) = (corpus::read(), seeds::of_golden_directories());
    for target in TARGETS {
        let mut inputs = corpus.remove(target.name).unwrap_or_else(|| panic!("{} has no corpus", target.name));
        let accepted = inputs.iter().filter(|input| check(target, input)).count();
        // A target that accepts nothing, or everything, would show little.
        assert!(accepted > 0, "{} accepts none of its {} inputs", target.name, inputs.len());
        // A fuzzer keeps little of what is accepted.
        inputs.extend(seeds.get(target.name).into_iter().flatten().cloned());
        let mut random = Rng::with_seed(5616);
        let mut still_accepted = 0;
        for _ in 0..rounds() {
            let [mut input, other] = [(); 2].map(|()| inputs[random.usize(..inputs.len())].clone());
            mutate::mutate(&mut random, &mut input, &other);
            still_accepted += u32::from(check(target, &input));
        }
        println!("{:18} {accepted} kept inputs accepted, {still_accepted} changed ones", target.name);
    }
    assert!(corpus.is_empty(), "inputs of no target: {:?}", corpus.keys());
}

#[test]
fn every_parser_accepts_the_files_of_real_nodes() {
    let _alone = ALONE.lock();
    let seeds = seeds::of_golden_directories();
    for target in TARGETS {
        let inputs = seeds.get(target.name).unwrap_or_else(|| panic!("nothing real for {}", target.name));
        for input in inputs {
            assert!(input.len() <= target.max_length, "{} is cut", target.name);
            assert!(check(target, input), "{} refuses {} bytes of a real node", target.name, input.len());
        }
    }
}

/// `CLEARML_FUZZ_SEEDS` names the directory. Called by `guided.sh`.
#[test]
#[ignore = "writes files"]
fn write_the_files_of_real_nodes_for_a_fuzzer() {
    let directory = std::env::var_os("CLEARML_FUZZ_SEEDS").unwrap();
    for (target, inputs) in seeds::of_golden_directories() {
        let place = Path::new(&directory).join(target);
        fs::create_dir_all(&place).unwrap();
        for (number, input) in inputs.iter().enumerate() {
            fs::write(place.join(format!("seed-{number}")), input).unwrap();
        }
    }
}
