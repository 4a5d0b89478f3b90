//! How much is tried: little at a learner's desk, much where the engine itself is tested.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::random::Random;

/// How many seeds `LSM_DEPTH=deep` tries.
const DEEP_SEEDS: u64 = 20;

/// How much is tried of one seed.
#[derive(Clone, Copy, Debug)]
pub struct Depth {
    /// Disks that a power cut left, failing operations, or damaged files.
    pub points: usize,
    /// Whether everything is tried that there is, where `points` would be a sample.
    pub is_deep: bool,
}

impl Depth {
    /// Numbers from 0 up to, and without, `count`: all of them if the test is deep, otherwise `points`, spread evenly, at
    /// places that follow from the seed.
    pub fn sample(&self, count: usize, points: usize, seed: u64) -> Vec<usize> {
        if self.is_deep || count <= points {
            return (0..count).collect();
        }
        let mut random = Random::new(seed);
        (0..points).map(|index| (index * count + random.below(count)) / points).collect()
    }
}

/// Does `work` with each seed: the threads share them, and the first failure ends the test.
pub fn for_each_seed(work: impl Fn(u64, Depth) + Sync) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let is_deep = std::env::var("LSM_DEPTH").is_ok_and(|depth| depth == "deep");
    let (seeds, depth) = match is_deep {
        true => (0..DEEP_SEEDS, Depth { points: 2000, is_deep: true }),
        false => (0..1, Depth { points: 300, is_deep: false }),
    };
    let seeds = number("LSM_SEEDS").map_or(seeds, |count| 0..count);
    let seeds = number("LSM_SEED").map_or(seeds, |seed| seed..seed + 1);
    if seeds.end - seeds.start == 1 {
        return work(seeds.start, depth);
    }
    let next = AtomicU64::new(seeds.start);
    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| seeds.contains(seed));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = take() {
                    work(seed, depth);
                }
            });
        }
    });
}
