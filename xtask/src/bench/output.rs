//! Files that a run writes at its end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use memory_benches::InputError;

/// A file that is known to be writable, and left as it was until it is written:
/// a run that is refused leaves nothing behind.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    /// A pipe or a device, which stays open: whoever reads it would take a
    /// close for the end.
    held: Option<File>,
}

impl Output {
    /// Finds out whether the file can be written.
    pub(super) fn check(path: impl Into<PathBuf>) -> Result<Self, InputError> {
        let path = path.into();
        match Self::probe(&path) {
            Ok(held) => Ok(Self { path, held }),
            Err(error) => Err(InputError::new(format!("{}: cannot be written: {error}", path.display()))),
        }
    }

    fn probe(path: &Path) -> io::Result<Option<File>> {
        match fs::metadata(path) {
            Ok(found) => {
                let file = OpenOptions::new().write(true).open(path)?;
                Ok((!found.is_file()).then_some(file))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                OpenOptions::new().write(true).create_new(true).open(path)?;
                fs::remove_file(path)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all of it, in place of what was there.
    pub(super) fn write(self, text: &str) -> Result<()> {
        let written = match self.held {
            Some(mut file) => file.write_all(text.as_bytes()).and_then(|()| file.flush()),
            None => fs::write(&self.path, text),
        };
        written.with_context(|| format!("write {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_changes_nothing_and_a_write_replaces_everything() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let output = Output::check(&path).unwrap();
        assert!(!path.exists());
        output.write("much longer").unwrap();
        let output = Output::check(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "much longer");
        output.write("short").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "short");
    }

    #[test]
    fn what_cannot_be_written_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("no such folder").join("file");
        for path in [nowhere.as_path(), folder.path()] {
            let error = Output::check(path).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{}: cannot be written: ", path.display())), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_and_stays_one() {
        let output = Output::check("/dev/null").unwrap();
        assert!(output.held.is_some());
        output.write("gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
