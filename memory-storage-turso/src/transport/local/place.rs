//! Location of a database, and the mode in which it is opened.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use memory_core::{Error, Result};

/// The location of a database.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    File(PathBuf),
    Memory,
}

/// The mode in which a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    /// Reading beside those who may write: SQLite needs the log and its index,
    /// or a folder to create them in.
    Read,
    /// Reading a file that nobody writes, without a log and without locks.
    Immutable,
}

impl Place {
    /// A file, by a path that libsql cannot take for anything else.
    pub(crate) fn file(path: &Path) -> Result<Self> {
        let refused = |reason: &str| Err(Error::invalid_input("path", format!("{}: {reason}", path.display())));
        match path.to_str() {
            None => refused("not UTF-8, which libsql needs"),
            Some("" | ":memory:") => refused("no file; `memory()` opens a database without one"),
            Some(text) if text.contains('\0') => refused("a NUL in it"),
            // An absolute path is never taken for a `file:` URI.
            Some(_) => std::path::absolute(path).map(Self::File).or_else(|error| refused(&error.to_string())),
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory => None,
        }
    }

    /// Returns the name of the place for SQLite.
    pub(super) fn name(&self, mode: Mode) -> Cow<'_, Path> {
        match self {
            Self::Memory => Cow::Borrowed(":memory:".as_ref()),
            Self::File(path) if mode == Mode::Immutable => Cow::Owned(immutable(path)),
            Self::File(path) => Cow::Borrowed(path),
        }
    }
}

/// The URI of an absolute path, <https://sqlite.org/uri.html>.
fn immutable(path: &Path) -> PathBuf {
    let mut path = path.to_string_lossy().into_owned();
    if cfg!(windows) {
        path = format!("/{}", path.replace('\\', "/"));
    }
    let mut uri = String::from("file://");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~:".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.extend(['%', hex(byte >> 4), hex(byte & 0xf)]);
        }
    }
    uri.push_str("?immutable=1");
    uri.into()
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap_or('0').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_no_file_is_refused() {
        for path in ["", ":memory:", "a\0b"] {
            assert!(matches!(Place::file(path.as_ref()), Err(Error::InvalidInput { .. })), "{path:?}");
        }
        assert!(matches!(Place::file("file:memory?mode=memory".as_ref()), Ok(Place::File(path)) if path.is_absolute()));
    }

    #[test]
    fn a_uri_escapes_what_means_something_in_one() {
        let uri = |path: &str| immutable(path.as_ref()).to_str().unwrap().to_owned();
        assert_eq!(uri("/a b/100%?#.db"), "file:///a%20b/100%25%3F%23.db?immutable=1");
    }
}
