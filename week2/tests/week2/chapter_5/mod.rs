//! The manifest.

mod crashes;
