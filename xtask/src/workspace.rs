//! Where the workspace is.

use std::path::{Path, PathBuf};

/// The folder that holds every crate.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}
