//! Open tasks: how they are written into a woven source, and how they are found in one.

use std::path::{Path, PathBuf};

use super::marker::task_of;
use crate::chapter::Chapter;

/// Something left to do in a learner's sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTask {
    pub chapter: Chapter,
    /// As it was given to [`in_directory`]: below the crate's `src`.
    pub file: PathBuf,
    /// Counted from 1.
    pub line: usize,
    pub task: String,
}

/// `max_width` of rustfmt.toml, which breaks no string by itself.
const WIDTH: usize = 120;
const CONTINUES: &str = "//      ";

/// `// 1.2: task`; further lines stand under the task's first word.
pub fn comment(indentation: &str, chapter: Chapter, lines: &[String]) -> String {
    let more: Vec<String> = lines[1..].iter().map(|line| format!("\n{indentation}{CONTINUES}{line}")).collect();
    format!("{indentation}// {chapter}: {}{}", lines[0], more.concat())
}

/// `todo!("1.2: task");` as a function's last expression, broken where it is longer than a line.
pub fn todo(indentation: &str, chapter: Chapter, lines: &[String]) -> String {
    let task = lines.join(" ").replace('\\', "\\\\").replace('"', "\\\"").replace('{', "{{").replace('}', "}}");
    let line = format!("{indentation}todo!(\"{chapter}: {task}\")");
    if line.chars().count() <= WIDTH {
        return line;
    }
    let mut broken = vec![format!("{indentation}    \"{chapter}:")];
    for word in task.split(' ') {
        let last = broken.len() - 1;
        if broken[last].chars().count() + word.chars().count() > WIDTH - 4 {
            broken[last].push_str(" \\");
            broken.push(format!("{indentation}     {word}"));
        } else {
            broken[last].push(' ');
            broken[last].push_str(word);
        }
    }
    format!("{indentation}todo!(\n{}\"\n{indentation})", broken.join("\n"))
}

/// The open tasks of a crate's sources (`src` is the folder), in order of file and line.
pub fn in_directory(src: &Path) -> anyhow::Result<Vec<OpenTask>> {
    let mut tasks = Vec::new();
    for file in super::tree::files_below(src)? {
        if file.extension().is_some_and(|extension| extension == "rs") {
            tasks.extend(in_text(&file, &super::tree::read(&src.join(&file))?));
        }
    }
    Ok(tasks)
}

/// The open tasks of one source: `// 1.2: task` comments and `todo!("1.2: task")`.
pub fn in_text(file: &Path, text: &str) -> Vec<OpenTask> {
    let lines: Vec<&str> = text.lines().collect();
    let mut tasks = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let found = comment_task(line, &lines[index + 1..]).or_else(|| todo_task(line, &lines[index + 1..]));
        if let Some((chapter, task)) = found {
            tasks.push(OpenTask { chapter, file: file.to_path_buf(), line: index + 1, task });
        }
    }
    tasks
}

fn comment_task(line: &str, below: &[&str]) -> Option<(Chapter, String)> {
    let (chapter, task) = task_of(line.trim().strip_prefix("// ")?)?;
    let more = below.iter().map_while(|line| line.trim().strip_prefix(CONTINUES));
    Some((chapter, std::iter::once(task).chain(more).collect::<Vec<&str>>().join(" ")))
}

fn todo_task(line: &str, below: &[&str]) -> Option<(Chapter, String)> {
    let start = line.find("todo!(")?;
    let mut text = line[start + "todo!(".len()..].to_owned();
    for line in below.iter().take(20) {
        if text.contains("\")") || text.trim_end().ends_with('"') {
            break;
        }
        // A string's line that ends in a backslash goes on with the next line's first word.
        text = format!("{} {}", text.trim_end().trim_end_matches('\\').trim_end(), line.trim());
    }
    let string = text.trim_start().strip_prefix('"')?;
    let end = string.find("\")").or_else(|| string.rfind('"'))?;
    let task = string[..end].trim_end().trim_end_matches("\",");
    let task = task.replace("{{", "{").replace("}}", "}").replace("\\\"", "\"").replace("\\\\", "\\");
    task_of(&task).map(|(chapter, task)| (chapter, task.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_wide_as_rustfmt_makes_it() {
        assert!(include_str!("../../../rustfmt.toml").lines().any(|line| line == format!("max_width = {WIDTH}")));
    }

    #[test]
    fn tasks_are_found_as_they_are_written() {
        let long: Vec<String> = (0..12).map(|number| format!("do {{{number}}} with \"care\" and \\n")).collect();
        let chapter = Chapter { week: 1, day: 2 };
        for lines in [&long[..1], &long[..2], &long[..]] {
            for text in [comment("    ", chapter, lines), format!("fn f() {{\n{}\n}}\n", todo("    ", chapter, lines))]
            {
                let found = in_text(Path::new("a.rs"), &text);
                assert_eq!(found.len(), 1, "{text}");
                assert_eq!((found[0].chapter, found[0].task.as_str()), (chapter, lines.join(" ").as_str()), "{text}");
            }
        }
        let broken = "// 1.2: not that\n    todo!(\n        \"1.3: this\",\n    )\n// 1.2 nor that\ntodo!()";
        let lines: Vec<usize> = in_text(Path::new("a.rs"), broken).iter().map(|task| task.line).collect();
        assert_eq!(lines, [1, 2]);
    }
}
