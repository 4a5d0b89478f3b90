//! What the suites of the strategies share: trees that exist on paper only, a stream of flushes into such a tree, and
//! engines that compact by themselves.

pub mod engines;
pub mod paper;
pub mod random;
pub mod shapes;
