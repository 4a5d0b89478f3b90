//! The weeks' crates stand outside of the workspace, so that cargo's own commands at the root pass them by. Here they are
//! built as a learner's editor builds them: the library, the suites, the prompt.

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_week_builds_with_all_targets() {
    // The manifest directory is `<root>/xtask`, so it has a parent.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository");
    let weeks: Vec<PathBuf> = (1..=3).map(|week| root.join(format!("week{week}"))).filter(|dir| dir.is_dir()).collect();
    assert!(!weeks.is_empty(), "there is no week1/ in {}", root.display());
    for week in weeks {
        let output = Command::new(env!("CARGO"))
            .args(["check", "--locked", "--all-targets", "--all-features"])
            .current_dir(&week)
            .output()
            .expect("cargo runs, since it runs this test");
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} does not build:\n{messages}", week.display());
    }
}
