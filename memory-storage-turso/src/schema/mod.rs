//! Tables, and how an older database is brought up to date.

pub(crate) mod index;
mod sql;

use memory_core::{Error, Result};

pub(crate) use index::{Index, IndexedKey};

#[cfg(feature = "local")]
use crate::transport::local::Connection;
#[cfg(feature = "local")]
use crate::transport::{Columns, Statement};

/// The version of the schema that this code reads and writes: how many
/// migrations there are.
#[expect(clippy::cast_possible_truncation, reason = "a handful of migrations")]
pub(crate) const VERSION: u32 = sql::MIGRATIONS.len() as u32;

pub(crate) use sql::{INSERT_VERSION, MIGRATIONS, SELECT_VERSION};

pub(crate) const OPERATION: &str = "initialize the schema";

pub(crate) const OPEN: &str = "open the database";

/// Creates the schema or brings it up to date.
///
/// One transaction under the write lock, so two processes that start at once
/// do not meet half way, and a migration that fails leaves the old schema.
#[cfg(feature = "local")]
pub(crate) fn migrate(connection: &mut Connection) -> Result<()> {
    if version(connection)? == VERSION {
        return Ok(());
    }
    connection.transaction(OPERATION, |connection| {
        let from = version(connection)?;
        for migration in sql::MIGRATIONS.iter().skip(from as usize) {
            for statement in *migration {
                connection.execute(OPERATION, statement, &[])?;
            }
        }
        connection.execute(OPERATION, sql::DELETE_VERSION, &[])?;
        connection.execute(OPERATION, &format!("{INSERT_VERSION} ({VERSION})"), &[])?;
        Ok(())
    })
}

/// Creates the indexes that are missing. Where none is, nobody is waited for.
#[cfg(feature = "local")]
pub(crate) fn create_indexes(connection: &mut Connection, operation: &str, indexes: &[Index]) -> Result<()> {
    let mut missing = Vec::new();
    for index in indexes {
        let count = Statement::new(sql::COUNT_INDEX, [index.name.as_str().into()]);
        if connection.read(operation, &count, &|row| row.integer(0))? == [0] {
            missing.push(&index.create);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    connection.transaction(operation, |connection| {
        missing.iter().try_for_each(|create| connection.execute(operation, &create.sql, &create.args).map(drop))
    })
}

/// Refuses a database that is newer than this code, or somebody else's, before
/// anything in it is changed.
#[cfg(feature = "local")]
pub(crate) fn check_ours(connection: &mut Connection) -> Result<()> {
    // One statement, so that another process may be creating the schema.
    let names = Statement::new(sql::SELECT_TABLES, []);
    let found = connection.read(OPEN, &names, &|row| Ok(row.text(0)?.into_owned()))?;
    match found.first() {
        None => Ok(()),
        Some(_) if found.iter().any(|name| name == sql::VERSION_TABLE) => version(connection).map(drop),
        Some(name) => Err(Error::unsupported(
            OPEN,
            format!(
                "it has a table `{name}` that is not this library's, and no `{}`: use another file",
                sql::VERSION_TABLE
            ),
        )),
    }
}

/// Refuses a database whose schema is not of this version, where it cannot be
/// brought up to date.
#[cfg(feature = "local")]
pub(crate) fn check_current(connection: &mut Connection) -> Result<()> {
    match version(connection)? {
        VERSION => Ok(()),
        found => Err(Error::unsupported(
            OPEN,
            format!(
                "it can only be read, and its schema is of version {found}, not {VERSION}: open it once where it can be written"
            ),
        )),
    }
}

/// The database's version, 0 where it has no schema yet.
#[cfg(feature = "local")]
fn version(connection: &mut Connection) -> Result<u32> {
    let count = Statement::new(sql::COUNT_VERSION_TABLE, []);
    if connection.read(OPERATION, &count, &|row| row.integer(0))? == [0] {
        return Ok(0);
    }
    let found = connection.read(OPERATION, &Statement::new(SELECT_VERSION, []), &|row| row.integer(0))?;
    check_version(found.first().copied().unwrap_or(0))
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
