//! The files of a database as the file system sees them.
//!
//! Nothing here opens the database's file: closing it again would drop the locks
//! that SQLite holds on it for this whole process.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use memory_core::{Error, Result};

use crate::schema::OPEN;
use crate::transport::process::Process;

/// Which file a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// `None` where there is nothing.
    fn of(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self::from_metadata(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    #[cfg(unix)]
    fn from_metadata(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    /// An open file cannot be replaced there.
    #[cfg(not(unix))]
    const fn from_metadata(_: &std::fs::Metadata) -> Self {
        Self { device: 0, inode: 0 }
    }
}

/// The files that a storage has open: the database, its log and the log's index.
#[derive(Debug)]
pub(crate) struct OpenFiles {
    files: Vec<(PathBuf, Identity)>,
    process: Process,
}

/// The databases that are open, in this process and, after a fork, in its parent.
static OPEN_DATABASES: Mutex<Vec<(Process, Identity)>> = Mutex::new(Vec::new());

impl OpenFiles {
    /// Notes which files a database consists of that was just opened.
    pub(crate) fn of(path: &Path) -> Self {
        // SQLite puts the log beside the file that a link leads to.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let files = [path.clone(), beside(&path, "-wal"), beside(&path, "-shm")].into_iter();
        let found = |path: PathBuf| Some((Identity::of(&path).ok()??, path));
        let files: Vec<_> = files.filter_map(found).map(|(identity, path)| (path, identity)).collect();
        let process = Process::current();
        if let Some((_, database)) = files.first() {
            OPEN_DATABASES.lock().unwrap_or_else(PoisonError::into_inner).push((process, *database));
        }
        Self { files, process }
    }

    /// The log of the database at `path`.
    pub(super) fn log(&self, path: &Path) -> PathBuf {
        self.files.first().map_or_else(|| beside(path, "-wal"), |(path, _)| beside(path, "-wal"))
    }

    /// Fails if a file was deleted, or another one took its place.
    pub(crate) fn check(&self, operation: &str) -> Result<()> {
        for (path, identity) in &self.files {
            let how = match Identity::of(path) {
                Ok(Some(found)) if found == *identity => continue,
                Ok(Some(_)) => "replaced",
                Ok(None) => "deleted",
                // Nothing is known, then.
                Err(_) => continue,
            };
            let reason = format!(
                "the file {} was {how} while it was open: this storage stores nothing more in the old one, which is lost \
                 once the storage is closed; copy its records to another storage first, then open the path again",
                path.display()
            );
            return Err(Error::unsupported(operation, reason));
        }
        Ok(())
    }
}

impl Drop for OpenFiles {
    fn drop(&mut self) {
        // What a fork has inherited stays.
        if self.process.is_current()
            && let Some((_, database)) = self.files.first()
        {
            let mut open = OPEN_DATABASES.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = open.iter().position(|one| *one == (self.process, *database)) {
                open.swap_remove(at);
            }
        }
    }
}

/// Refuses a database that was open when this process was forked: SQLite would
/// take the locks of the parent, which it remembers, for its own, and the two
/// would overwrite each other's records.
pub(crate) fn check_not_inherited(path: &Path) -> Result<()> {
    let Ok(Some(identity)) = Identity::of(path) else { return Ok(()) };
    let open = OPEN_DATABASES.lock().unwrap_or_else(PoisonError::into_inner);
    if open.iter().all(|(process, database)| process.is_current() || *database != identity) {
        return Ok(());
    }
    let reason = "it was open when this process was forked, and the locks on it are the parent's; fork before it is \
                  opened, or open it in a program of its own";
    Err(Error::unsupported(OPEN, reason))
}

/// The path of a file that SQLite keeps beside the database.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Returns whether the database's own file may be written.
pub(super) fn may_write_existing(path: &Path) -> bool {
    !path.is_file() || may_write(path).is_ok()
}

/// Returns whether the database is whole without its log.
pub(super) fn closed_cleanly(path: &Path) -> bool {
    let log = beside(&path.canonicalize().unwrap_or_else(|_| path.to_owned()), "-wal");
    std::fs::metadata(log).map_or(true, |log| log.len() == 0)
}

/// Why an existing database cannot be written, in words: the file or its folder
/// may not be.
pub(crate) fn read_only(path: &Path) -> Option<String> {
    if !path.is_file() {
        return None;
    }
    let denied =
        |what: &str, path: &Path, error: io::Error| format!("the {what} {} cannot be written: {error}", path.display());
    may_write(path).err().map(|error| denied("file", path, error)).or_else(|| {
        let folder = folder(path);
        may_write(folder).err().map(|error| denied("folder", folder, error))
    })
}

/// Returns the error for a database that cannot be opened; `reason` is
/// SQLite's, where nothing does.
pub(crate) fn cannot_open(path: &Path, reason: &str) -> Error {
    let refused = |reason: String| Error::invalid_input("path", format!("{}: {reason}", path.display()));
    let folder = folder(path);
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => return refused("it is a folder; name a file in it".to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => return refused(error.to_string()),
        Err(_) => match std::fs::metadata(folder) {
            Err(error) => return refused(format!("its folder cannot be entered: {error}; create the folder first")),
            Ok(found) if !found.is_dir() => return refused(format!("{} is no folder", folder.display())),
            Ok(_) => {
                if let Err(error) = may_write(folder) {
                    let folder = folder.display();
                    return refused(format!("the file cannot be created in {folder}: {error}; change its permissions"));
                }
            }
        },
    }
    if path.exists()
        && let Err(error) = may_read(path)
    {
        return refused(format!("the file cannot be read: {error}; change its permissions"));
    }
    if let Some(why) = read_only(path) {
        let log = beside(path, "-wal");
        return refused(if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            format!(
                "{why}, and {} holds records that are not in the file yet, which SQLite reads only where it can write; \
                 open the database there, or copy both files to such a place",
                log.display()
            )
        } else {
            format!("{why}; change its permissions")
        });
    }
    let path = path.display();
    Error::unavailable(OPEN, format!("{path}: {reason}; this process may have too many files open"))
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

#[cfg(unix)]
fn may(path: &Path, access: rustix::fs::Access) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, accessat};
    accessat(CWD, path, access, AtFlags::EACCESS).map_err(Into::into)
}

#[cfg(unix)]
fn may_write(path: &Path) -> io::Result<()> {
    may(path, rustix::fs::Access::WRITE_OK)
}

#[cfg(unix)]
fn may_read(path: &Path) -> io::Result<()> {
    may(path, rustix::fs::Access::READ_OK)
}

#[cfg(not(unix))]
fn may_write(path: &Path) -> io::Result<()> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_file() && metadata.permissions().readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

#[cfg(not(unix))]
fn may_read(_: &Path) -> io::Result<()> {
    Ok(())
}
