//! A random life of an engine beside a sorted map, by a fixed seed.

use std::sync::Arc;

use bytes::Bytes;
use lsm::compaction::{Shape, Strategy};
use lsm::disk::SimDisk;
use lsm::{Engine, Options, Result};

use super::engines::{Model, background, check_is, key, open, promptly, settle, value};

#[derive(Clone, Debug)]
pub struct Setup {
    pub strategy: Arc<dyn Strategy>,
    pub seed: u64,
    pub actions: usize,
    /// How many different keys are written.
    pub keys: usize,
}

/// Numbers that look like chance (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}

/// Writes, reads, flushes and compacts in an engine that works in the background, then lets it come to rest. What it
/// reads has to be the model's at every step. Gives the tree at rest.
pub fn run(setup: Setup) -> Shape {
    let disk = SimDisk::new();
    let options: Options = background(&disk, setup.strategy.clone());
    let engine: Arc<Engine> = open(options);
    let (writer, of_writer) = (engine.clone(), setup.clone());
    // In a thread of its own, since a write that is never woken would hold the test for ever.
    let model = promptly(&format!("the life of {setup:?}"), move || live(&writer, &of_writer));
    let shape: Shape = settle(&engine, &*setup.strategy);
    check_is(&engine, &model, &format!("at rest, after the life of {setup:?}"));
    shape
}

fn live(engine: &Engine, setup: &Setup) -> Model {
    let mut random = Random(setup.seed);
    let mut model = Model::new();
    for action in 0..setup.actions {
        let number = random.below(setup.keys);
        let outcome: Result<()> = match random.below(100) {
            0..60 => {
                model.insert(key(number), value(number, action));
                engine.put(&key(number), &value(number, action))
            }
            60..80 => {
                model.remove(&key(number));
                engine.delete(&key(number))
            }
            80..98 => engine.get(&key(number)).map(|found: Option<Bytes>| {
                let expected = model.get(&key(number)).map(Vec::as_slice);
                assert_eq!(found.as_deref(), expected, "key {number} at action {action}: found, and expected");
            }),
            98 => engine.flush(),
            _ if random.below(4) == 0 => engine.compact(),
            _ => {
                check_is(engine, &model, &format!("at action {action}"));
                Ok(())
            }
        };
        outcome.unwrap_or_else(|error| panic!("action {action} failed: {error}"));
    }
    model
}
