//! One error type for the whole engine; each variant says when it arises.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `Result` with the engine's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong. Errors are cheap to clone: a background failure is told to every caller.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation on a file or a directory.
    #[error("cannot {op} {}: {source}", path.display())]
    Io { path: PathBuf, op: &'static str, source: Arc<io::Error> },

    /// A file's bytes are not what was written: a checksum that does not match, a length that leads outside of the
    /// file, a name that should be there. `offset` is where, in bytes from the file's start, the damaged part begins.
    #[error("{} is damaged at byte {offset}: {what}", file.display())]
    Corruption { file: PathBuf, offset: u64, what: String },

    /// The file was written by a later version of the engine.
    #[error("{} has format version {found}; this engine reads up to {supported}", file.display())]
    UnsupportedVersion { file: PathBuf, found: u32, supported: u32 },

    /// A key longer than [`MAX_KEY_LENGTH`](crate::MAX_KEY_LENGTH).
    #[error("a key of {length} bytes is longer than the limit of {limit}")]
    KeyTooLong { length: usize, limit: usize },

    /// A value longer than [`MAX_VALUE_LENGTH`](crate::MAX_VALUE_LENGTH).
    #[error("a value of {length} bytes is longer than the limit of {limit}")]
    ValueTooLong { length: usize, limit: usize },

    /// The caller broke a documented rule of a call, for example the order of keys in a table.
    #[error("{0}")]
    InvalidInput(String),

    /// The engine was closed.
    #[error("the engine is closed")]
    Closed,

    /// Work in the background failed. Writes are refused until [`Engine::flush`](crate::Engine::flush), which
    /// tries the work again, has succeeded; reads go on.
    #[error("background work failed: {0}")]
    Background(#[source] Arc<Error>),

    /// A write or a sync of the log failed. Whether the write that failed is in the log will be known when the engine is
    /// opened anew; until then writes are refused with this error, and reads go on.
    #[error("the log failed: {0}")]
    Poisoned(#[source] Arc<Error>),

    /// A thread of the engine panicked: there is a bug, in the engine or in code that the caller gave it. Writes are
    /// refused until the engine is opened anew; reads go on.
    #[error("the thread '{thread}' panicked: {message}")]
    Panicked { thread: String, message: String },
}

impl Error {
    /// For `map_err` on a call of the operating system: says what was tried, and with which path.
    pub(crate) fn io(op: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io { path: path.to_path_buf(), op, source: Arc::new(source) }
    }

    pub(crate) fn corruption(file: &Path, offset: u64, what: impl Into<String>) -> Error {
        Error::Corruption { file: file.to_path_buf(), offset, what: what.into() }
    }
}
