//! Reading SQL text before it runs: how many statements, and of what kind.
//!
//! libSQL's server parses every statement of a request first, refuses those it
//! does not support, and only then begins to run them. The lab uses the same
//! parser, so that a text which a real server refuses is refused here too.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fallible_iterator::FallibleIterator;
use libsql_hrana::proto;
use libsql_sqlite3_parser::ast::{Cmd, PragmaBody, QualifiedName, Stmt, TransactionType};
use libsql_sqlite3_parser::lexer::sql::Parser;

use super::failure::error;

/// One statement of SQL, and what it is going to do.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) sql: String,
    /// INSERT, UPDATE or DELETE: the rows it changed are counted.
    pub(super) changes_rows: bool,
    /// INSERT: the last row's id is reported.
    pub(super) inserts: bool,
    /// It may take the database's write lock.
    pub(super) writes: bool,
}

/// The only statement of `sql`.
pub(super) fn parse_one(sql: &str) -> Result<Statement, proto::Error> {
    let mut statements = Statements::new(sql);
    let first = statements
        .next()
        .ok_or_else(|| error("SQL_NO_STATEMENT", "SQL string does not contain any statement"))?
        .map_err(unparsable)?;
    if statements.next().is_some() {
        return Err(error("SQL_MANY_STATEMENTS", "SQL string contains more than one statement"));
    }
    Ok(first)
}

/// All statements of `sql`, in order.
pub(super) fn parse_all(sql: &str) -> Result<Vec<Statement>, proto::Error> {
    Statements::new(sql).collect::<Result<_, _>>().map_err(unparsable)
}

fn unparsable(reason: impl std::fmt::Display) -> proto::Error {
    error("SQL_PARSE_ERROR", format!("SQL string could not be parsed: {reason}"))
}

struct Statements<'sql> {
    sql: &'sql str,
    /// On the heap, since it is large; `None` once it has failed.
    parser: Option<Box<Parser<'sql>>>,
}

impl<'sql> Statements<'sql> {
    fn new(sql: &'sql str) -> Self {
        Self { sql, parser: Some(Box::new(Parser::new(sql.as_bytes()))) }
    }
}

impl Iterator for Statements<'_> {
    type Item = Result<Statement, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut parser = self.parser.take()?;
        let start = parser.offset();
        // The parser panics on some malformed texts.
        let Ok(parsed) = catch_unwind(AssertUnwindSafe(|| parser.next())) else {
            return Some(Err("unexpected parser error".to_owned()));
        };
        match parsed {
            Ok(Some(command)) => {
                let text = &self.sql[start..parser.offset()];
                self.parser = Some(parser);
                let statement = classify(text, &command);
                Some(statement.ok_or_else(|| format!("unsupported statement: {}", self.sql)))
            }
            Ok(None) => None,
            Err(reason) => Some(Err(reason.to_string())),
        }
    }
}

/// `None` for statements that the server does not run.
fn classify(sql: &str, command: &Cmd) -> Option<Statement> {
    let writes = match command {
        Cmd::Explain(Stmt::Pragma(name, body)) => {
            pragma_writes(name, body.as_ref())?;
            false
        }
        Cmd::Explain(_) | Cmd::ExplainQueryPlan(_) => false,
        Cmd::Stmt(statement) => statement_writes(statement)?,
    };
    let changes_rows = matches!(command, Cmd::Stmt(Stmt::Insert { .. } | Stmt::Update { .. } | Stmt::Delete { .. }));
    let inserts = matches!(command, Cmd::Stmt(Stmt::Insert { .. }));
    Some(Statement { sql: sql.to_owned(), changes_rows, inserts, writes })
}

fn statement_writes(statement: &Stmt) -> Option<bool> {
    match statement {
        Stmt::Begin(kind, _) => Some(matches!(kind, Some(TransactionType::Immediate | TransactionType::Exclusive))),
        Stmt::Select(_) | Stmt::Commit(_) | Stmt::Rollback { .. } | Stmt::Savepoint(_) | Stmt::Release(_) => {
            Some(false)
        }
        Stmt::Pragma(name, body) => pragma_writes(name, body.as_ref()),
        _ if is_temporary(statement) => None,
        Stmt::CreateTable { .. }
        | Stmt::CreateVirtualTable { .. }
        | Stmt::CreateView { .. }
        | Stmt::CreateTrigger { .. }
        | Stmt::CreateIndex { .. }
        | Stmt::DropTable { .. }
        | Stmt::DropView { .. }
        | Stmt::DropTrigger { .. }
        | Stmt::DropIndex { .. }
        | Stmt::AlterTable(..)
        | Stmt::Insert { .. }
        | Stmt::Update { .. }
        | Stmt::Delete { .. }
        | Stmt::Reindex { .. } => Some(true),
        // ATTACH works on a real server between its own namespaces; the lab has but one.
        Stmt::Analyze(_) | Stmt::Attach { .. } | Stmt::Detach(_) | Stmt::Vacuum(..) => None,
    }
}

/// What would live on one connection only, where a client cannot know which it will get.
fn is_temporary(statement: &Stmt) -> bool {
    match statement {
        Stmt::CreateView { temporary, .. } | Stmt::CreateTrigger { temporary, .. } => *temporary,
        Stmt::CreateTable { temporary, tbl_name, .. } => *temporary || in_temporary_schema(tbl_name),
        Stmt::CreateVirtualTable { tbl_name, .. } => in_temporary_schema(tbl_name),
        _ => false,
    }
}

fn in_temporary_schema(name: &QualifiedName) -> bool {
    name.db_name.as_ref().is_some_and(|schema| schema.0.eq_ignore_ascii_case("temp"))
}

/// The pragmas that the server lets through, most of them only to be read.
fn pragma_writes(name: &QualifiedName, body: Option<&PragmaBody>) -> Option<bool> {
    let set = body.is_some();
    match name.name.0.to_ascii_lowercase().as_str() {
        "table_list" | "index_list" | "table_info" | "table_xinfo" | "index_info" | "index_xinfo" | "pragma_list"
        | "compile_options" | "database_list" | "function_list" | "module_list" | "encoding" | "foreign_keys"
        | "defer_foreign_keys" | "foreign_key_list" | "foreign_key_check" | "collation_list" | "data_version"
        | "freelist_count" | "integrity_check" | "legacy_file_format" | "page_count" | "quick_check" | "stats" => {
            Some(false)
        }
        "user_version" => Some(set),
        "analysis_limit"
        | "application_id"
        | "auto_vacuum"
        | "automatic_index"
        | "busy_timeout"
        | "cache_size"
        | "cache_spill"
        | "cell_size_check"
        | "checkpoint_fullfsync"
        | "fullfsync"
        | "hard_heap_limit"
        | "journal_mode"
        | "journal_size_limit"
        | "legacy_alter_table"
        | "locking_mode"
        | "max_page_count"
        | "mmap_size"
        | "page_size"
        | "query_only"
        | "read_uncommitted"
        | "recursive_triggers"
        | "reverse_unordered_selects"
        | "schema_version"
        | "secure_delete"
        | "soft_heap_limit"
        | "synchronous"
        | "temp_store"
        | "threads"
        | "trusted_schema"
        | "wal_autocheckpoint"
            if !set =>
        {
            Some(false)
        }
        _ => None,
    }
}
