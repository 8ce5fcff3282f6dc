//! The tables: their SQL, their version, and the checks that need no connection.
//! Each transport creates them in its own way.

pub(crate) mod index;
mod sql;

use memory_core::{Error, Result};

pub(crate) use index::{Index, IndexSql};

/// The version of the schema that this code reads and writes: how many
/// migrations there are.
#[expect(clippy::cast_possible_truncation, reason = "a handful of migrations")]
pub(crate) const VERSION: u32 = sql::MIGRATIONS.len() as u32;

#[cfg(feature = "local")]
pub(crate) use sql::{COUNT_INDEX, COUNT_VERSION_TABLE, DELETE_VERSION, SELECT_TABLES};
pub(crate) use sql::{INSERT_VERSION, MIGRATIONS, SELECT_VERSION};

pub(crate) const OPEN: &str = "open the database";

/// Refuses a database that holds somebody else's tables, by the answer to
/// [`SELECT_TABLES`], and tells whether it has a version.
#[cfg(feature = "local")]
pub(crate) fn check_tables(found: &[String]) -> Result<bool> {
    match found.first() {
        None => Ok(false),
        Some(_) if found.iter().any(|name| name == sql::VERSION_TABLE) => Ok(true),
        Some(name) => Err(Error::unsupported(
            OPEN,
            format!(
                "it has a table `{name}` that is not this library's, and no `{}`: use another file",
                sql::VERSION_TABLE
            ),
        )),
    }
}

/// Refuses a version other than this code's, where a database cannot be brought
/// up to date.
#[cfg(feature = "local")]
pub(crate) fn check_current(found: u32) -> Result<()> {
    if found == VERSION {
        return Ok(());
    }
    Err(Error::unsupported(
        OPEN,
        format!(
            "it can only be read, and its schema is of version {found}, not {VERSION}: open it once where it can be written"
        ),
    ))
}

/// Refuses a database that is newer than this code.
pub(crate) fn check_version(found: i64) -> Result<u32> {
    match u32::try_from(found) {
        Ok(version) if version <= VERSION => Ok(version),
        Ok(version) => Err(Error::unsupported(
            OPEN,
            format!("its schema is of version {version}, and this library knows {VERSION}: use a newer library"),
        )),
        Err(_) => Err(Error::corrupt(format!("the table memory_schema: {found} is no version"))),
    }
}
