//! The suites of week 2, a module a chapter.

mod strategies;

mod chapter_1;
mod chapter_2;
mod chapter_3;
mod chapter_4;
mod chapter_5;
mod chapter_6;
mod chapter_7;
mod support;
