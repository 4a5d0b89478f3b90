//! The learner's commands, run as a learner runs them, on a course of few and tiny chapters.

mod next;
mod start;
mod test;
mod update;
mod world;
