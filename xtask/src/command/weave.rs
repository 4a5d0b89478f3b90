//! `cargo xtask weave`: makes the starters out of the reference solution.

use clap::Args;

/// Make weekN/ out of the reference solution.
#[derive(Args)]
pub struct Weave {
    /// Compare instead of writing; fail where a file differs.
    #[arg(long)]
    check: bool,
}

impl Weave {
    pub fn run(self) -> anyhow::Result<()> {
        let _ = self.check;
        anyhow::bail!("not written yet")
    }
}
