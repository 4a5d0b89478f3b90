//! Law 4: the reference allows nothing.

use anyhow::Result;

use super::report::Report;
use super::workshop::complaints;
use crate::course;
use crate::runner::build::cargo;
use crate::weave::marker::{Share, share};
use crate::weave::tree;

const MARKER_PERCENT: usize = 8;
const OLD_LINES: usize = 40;
const FILE_LINES: usize = 500;

pub fn check(report: &mut Report) {
    report.check("law 4: the workspace is formatted", formatted);
    report.check("law 4: clippy finds nothing in the workspace", || {
        complaints(&course::root(), &["clippy", "--workspace", "--all-targets", "--all-features"])
    });
    report.check("law 4: rustdoc finds nothing in the reference", || {
        complaints(&course::reference(), &["doc", "--no-deps", "--document-private-items"])
    });
    report.check("law 4: the reference allows no lint, and every unsafe has its SAFETY", || {
        each_source("reference-solution/src", |name, text, faults| faults.extend(allowances(name, text)))
    });
    report.check("law 4: markers are few, and none is in rustdoc", markers);
    report.check("law 4: no file is longer than 500 lines", || {
        let mut faults = Vec::new();
        let tests = course::weeks().into_iter().map(|week| format!("week{week}/tests/week{week}"));
        for folder in ["reference-solution/src".to_owned(), "xtask/src".to_owned()].into_iter().chain(tests) {
            faults.extend(each_source(&folder, |name, text, faults| {
                let lines = text.lines().count();
                if lines > FILE_LINES {
                    faults.push(format!("{name} has {lines} lines"));
                }
            })?);
        }
        Ok(faults)
    });
}

fn formatted() -> Result<Vec<String>> {
    let output = cargo(&course::root()).args(["fmt", "--all", "--check", "--", "--files-with-diff"]).output()?;
    let files = String::from_utf8_lossy(&output.stdout);
    let mut faults: Vec<String> = files.lines().map(|file| format!("{file} is not formatted")).collect();
    if faults.is_empty() && !output.status.success() {
        faults.push(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    Ok(faults)
}

/// Shows every source below a folder of the repository to `look`, which adds what it finds wrong.
fn each_source(folder: &str, mut look: impl FnMut(&str, &str, &mut Vec<String>)) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let path = course::root().join(folder);
    for file in tree::files_below(&path)? {
        if file.extension().is_some_and(|extension| extension == "rs") {
            let text = tree::read(&path.join(&file))?;
            look(&format!("{folder}/{}", file.display()), &text, &mut faults);
        }
    }
    Ok(faults)
}

/// Lines that switch a lint off, and uses of `unsafe` without a `SAFETY:` comment just above.
fn allowances(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut safety = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let number = index + 1;
        if line.starts_with("//") {
            safety |= line.contains("SAFETY:");
            continue;
        }
        if ["#[allow", "#![allow"].iter().any(|allow| line.starts_with(allow)) {
            faults.push(format!("{name}:{number}: a lint is allowed; `#[expect(lint, reason = \"…\")]` says why"));
        }
        let code = line.split("//").next().unwrap_or_default();
        let is_unsafe = ["unsafe {", "unsafe impl", "unsafe fn"].iter().any(|form| code.contains(form));
        if is_unsafe && !safety {
            faults.push(format!("{name}:{number}: unsafe without a `SAFETY:` comment above"));
        }
        // Attributes may stand between the comment and the code it is about.
        safety &= line.starts_with("#[");
    }
    faults
}

fn markers() -> Result<Vec<String>> {
    let mut sum = Share::default();
    let mut faults = each_source("reference-solution/src", |name, text, faults| match share(text) {
        Ok(share) => {
            sum.lines += share.lines;
            sum.markers += share.markers;
            sum.old_lines += share.old_lines;
        }
        Err(error) => faults.push(format!("{name}:{}: {}", error.line, error.what)),
    })?;
    if sum.markers * 100 >= sum.lines * MARKER_PERCENT {
        faults.push(format!("{} of {} lines are markers: {MARKER_PERCENT} % or more", sum.markers, sum.lines));
    }
    if sum.old_lines >= OLD_LINES {
        faults.push(format!("{} `//-` lines: {OLD_LINES} or more", sum.old_lines));
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::allowances;

    #[test]
    fn what_is_allowed_is_found() {
        let lines = |text| allowances("a.rs", text).len();
        // Text that the check is tried on, no attribute of this file.
        assert_eq!(lines("#[allow(dead_code)]\nfn a() {}\n"), 1);
        assert_eq!(lines("#[expect(dead_code, reason = \"why\")]\nfn a() {}\n"), 0);
        assert_eq!(lines("unsafe { a() }\n"), 1);
        assert_eq!(lines("// SAFETY: it is.\nunsafe { a() }\nunsafe { b() }\n"), 1);
        assert_eq!(lines("// SAFETY: it is,\n// truly.\n#[inline]\nlet a = unsafe { a() };\n"), 0);
        assert_eq!(lines("// unsafe { a() }\n"), 0);
    }
}
