//! The schema of a database in this process.

use memory_core::Result;

use super::Connection;
use crate::metrics::Operation;
use crate::schema::{
    COUNT_INDEX, COUNT_VERSION_TABLE, DELETE_VERSION, INSERT_VERSION, Index, MIGRATIONS, OPEN, SELECT_TABLES,
    SELECT_VERSION, VERSION, check_current, check_tables, check_version,
};
use crate::sql::{Columns, Statement};

/// The name of these operations in errors.
const OPERATION: &str = Operation::InitializeSchema.words();

impl Connection {
    /// Creates the schema or brings it up to date.
    ///
    /// One transaction under the write lock, so two processes that start at once
    /// do not meet half way, and a migration that fails leaves the old schema.
    pub(super) fn migrate(&mut self) -> Result<()> {
        if self.version()? == VERSION {
            return Ok(());
        }
        self.transaction(OPERATION, |connection| {
            let from = connection.version()?;
            for migration in MIGRATIONS.iter().skip(from as usize) {
                for statement in *migration {
                    connection.execute(OPERATION, statement, &[])?;
                }
            }
            connection.execute(OPERATION, DELETE_VERSION, &[])?;
            connection.execute(OPERATION, &format!("{INSERT_VERSION} ({VERSION})"), &[])?;
            Ok(())
        })
    }

    /// Creates the indexes that are missing. Where none is, nobody is waited for.
    pub(super) fn create_indexes(&mut self, operation: &str, indexes: &[Index]) -> Result<()> {
        let mut missing = Vec::new();
        for index in indexes {
            let count = Statement::new(COUNT_INDEX, [index.name.as_str().into()]);
            if self.read(operation, &count, &|row| row.integer(0))? == [0] {
                missing.push(&index.create);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        self.transaction(operation, |connection| {
            missing.iter().try_for_each(|create| connection.execute(operation, &create.sql, &create.args).map(drop))
        })
    }

    /// Refuses a database that is newer than this code, or somebody else's, before
    /// anything in it is changed.
    pub(super) fn check_ours(&mut self) -> Result<()> {
        // One statement, so that another process may be creating the schema.
        let names = Statement::new(SELECT_TABLES, []);
        let found = self.read(OPEN, &names, &|row| Ok(row.text(0)?.into_owned()))?;
        if check_tables(&found)? { self.version().map(drop) } else { Ok(()) }
    }

    /// Refuses a database whose schema is not of this version, where it cannot be
    /// brought up to date.
    pub(super) fn check_current(&mut self) -> Result<()> {
        self.version().and_then(check_current)
    }

    /// The database's version, 0 where it has no schema yet.
    fn version(&mut self) -> Result<u32> {
        let count = Statement::new(COUNT_VERSION_TABLE, []);
        if self.read(OPERATION, &count, &|row| row.integer(0))? == [0] {
            return Ok(0);
        }
        let found = self.read(OPERATION, &Statement::new(SELECT_VERSION, []), &|row| row.integer(0))?;
        check_version(found.first().copied().unwrap_or(0))
    }
}
