//! The suites of week 1, a module a chapter.

mod chapter_3;
mod chapter_5;
