//! Where the parts of the course's repository lie.

use std::path::{Path, PathBuf};

/// The root of the course's repository: this program is built inside it and run from there or from a copy.
pub fn root() -> PathBuf {
    // Tests of xtask itself put a small course in its place.
    if let Some(root) = std::env::var_os("LSM_COURSE_ROOT") {
        return PathBuf::from(root);
    }
    // The manifest directory is `<root>/xtask`, so it has a parent.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository").to_path_buf()
}

/// The reference solution's crate.
pub fn reference() -> PathBuf {
    root().join("reference-solution")
}

/// The stand-alone crate of a week.
pub fn week(week: u8) -> PathBuf {
    root().join(format!("week{week}"))
}

/// The weeks whose suites exist so far.
pub fn weeks() -> Vec<u8> {
    (1..=3).filter(|number| week(*number).join(format!("tests/week{number}/main.rs")).is_file()).collect()
}

/// The cargo that runs this program, or the first in the path.
pub fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
