//! Law 1: the committed weekN/ is what weaving gives, is formatted, and builds without a warning.

use anyhow::Result;

use super::report::Report;
use super::workshop::complaints;
use crate::command::weave;
use crate::course;
use crate::runner::build::cargo;
use crate::weave::tree::Difference;

pub fn check(report: &mut Report) {
    for week in course::weeks() {
        report.check(&format!("law 1, week {week}: is what weaving gives"), || {
            let Difference { missing, changed, stale } = weave::check(week)?;
            let say = |files: Vec<std::path::PathBuf>, what: &'static str| {
                files.into_iter().map(move |file| format!("week{week}/{} {what}", file.display()))
            };
            let mut faults: Vec<String> = say(missing, "is missing").collect();
            faults.extend(say(changed, "differs").chain(say(stale, "is stale")));
            Ok(faults)
        });
        report.check(&format!("law 1, week {week}: is formatted"), || formatted(week));
        report.check(&format!("law 1, week {week}: builds without a warning"), || {
            complaints(&course::week(week), &["check", "--all-targets", "--all-features"])
        });
    }
}

fn formatted(week: u8) -> Result<Vec<String>> {
    let output = cargo(&course::week(week)).args(["fmt", "--check", "--", "--files-with-diff"]).output()?;
    let files = String::from_utf8_lossy(&output.stdout);
    let mut faults: Vec<String> = files.lines().map(|file| format!("{file} is not formatted")).collect();
    if faults.is_empty() && !output.status.success() {
        faults.push(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    Ok(faults)
}
