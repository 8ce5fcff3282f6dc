//! Which file a path leads to.

use std::fs::{self, Metadata};
use std::path::Path;

use memory_core::{Error, Result};

use super::error;

/// The identity of a file, which tells it from another one at the same path: device and inode
/// where the platform has them, otherwise only that there is a file.
///
/// A file that was deleted keeps its inode as long as it is open. Afterwards a
/// new file may get the same one.
#[derive(Debug, PartialEq)]
pub(super) struct Identity(Option<(u64, u64)>);

impl Identity {
    /// The identity of the file at `path`.
    pub(super) fn of(path: &Path, operation: &str) -> Result<Self> {
        let file = fs::metadata(path).map_err(|error| error::io(operation, &error))?;
        Ok(Self(device_and_inode(&file)))
    }

    /// Refuses the file at `path` unless it is this one.
    pub(super) fn check(&self, path: &Path, operation: &str) -> Result<()> {
        match fs::metadata(path) {
            Ok(file) if device_and_inode(&file) == self.0 => Ok(()),
            Ok(_) => Err(replaced(operation)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(replaced(operation)),
            Err(error) => Err(error::io(operation, &error)),
        }
    }
}

/// The error where a database that was open is no longer in its place.
pub(super) fn replaced(operation: &str) -> Error {
    Error::unavailable(
        operation,
        "the file was deleted or replaced while it was open: put it back, or open a new storage to use what is there",
    )
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other platforms have none")]
fn device_and_inode(file: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn device_and_inode(_: &Metadata) -> Option<(u64, u64)> {
    None
}
