//! The learner's commands, run as a learner runs them, on a course of two tiny chapters.

mod start;
mod test;
mod update;
mod world;
