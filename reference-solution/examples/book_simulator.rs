//! Prints a trace of each strategy for the pages of chapters 2.1 to 2.4. `cargo xtask simulate` runs the same driver.

use std::process::ExitCode;

#[path = "../../xtask/src/simulate/driver.rs"]
mod driver;

fn main() -> ExitCode {
    for strategy in ["none", "simple", "tiered", "leveled"] {
        println!("== {strategy} ==");
        if driver::run(&[strategy, "random", "120"]) == ExitCode::FAILURE {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
