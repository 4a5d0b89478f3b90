//! `cargo xtask link`: makes `cargo xtask` work inside a copy.

use std::path::PathBuf;

use anstream::println;
use anyhow::Result;
use clap::Args;

use super::start::print_link;
use crate::copy::{find, link};
use crate::terminal::shown;

/// Tell a copy where the course lies, after a clone or when one of the two was moved.
#[derive(Args)]
pub struct Link {
    /// The copy's folder.
    dir: PathBuf,
}

impl Link {
    pub fn run(self) -> Result<()> {
        let copy = find::needed(Some(&self.dir))?;
        let linked = link::link(&copy.dir)?;
        if linked == link::Linked::Everywhere {
            println!("`cargo xtask` works in {} now.", shown(&copy.dir));
        }
        print_link(&linked);
        Ok(())
    }
}
