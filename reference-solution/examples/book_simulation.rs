//! Prints traces of the strategies, which the book shows as pictures to step through, for chapters 2.1 to 2.4.

use std::process::ExitCode;

#[path = "../../xtask/src/simulate/driver.rs"]
mod driver;

fn main() -> ExitCode {
    for strategy in ["none", "simple", "tiered", "leveled"] {
        println!("== {strategy} ==");
        let outcome = driver::run(&[strategy, "random", "60"]);
        if outcome != ExitCode::SUCCESS {
            return outcome;
        }
    }
    ExitCode::SUCCESS
}
