//! Counts in SQL.
//!
//! A group is a type, by its JSON name, and a value of that type; both are
//! empty for records with no single value there, and the value is empty for
//! `true` and `false`. So no part of a group is NULL, and groups have an order
//! in which a count can go on where an answer was full. The value of a real is
//! its JSON text, since SQLite's own reading of it may be off by a bit.

use std::borrow::Cow;

use memory_core::backend::{FieldType, Path, Scalar};
use memory_core::limits::MAX_GROUPS;
use memory_core::{Field, Filter, Metadata, Result};

use super::place::{Place, place, text_in_metadata};
use super::{Sql, filter};
use crate::sql::{Columns, Statement, Value, unexpected};
use crate::storage::table::Table;

/// The statement that counts all records that match.
pub(crate) fn count<R: Table>(only: &Filter<R>) -> Statement {
    let mut sql = Sql::default();
    sql.push("SELECT count(*) FROM ").push(R::SQL.table).push(" WHERE ");
    filter::push(&mut sql, only);
    sql.statement()
}

/// One row of a count by a field.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) value: Option<Scalar<'static>>,
    pub(crate) count: u64,
    /// Its type and value in SQL.
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "no local count goes on where one ended"))]
    place: (String, Value),
}

/// The most groups of SQL that are one of ours: an integer and the equal real.
const FORMS: usize = 2;

/// The most groups of SQL that a count needs to see.
pub(crate) const MOST: usize = MAX_GROUPS * FORMS + 1;

/// The statement that counts by `field`: rows that [`group`] reads.
///
/// libsql cuts a text at a NUL when it reads one; a blob it leaves as it is.
#[cfg(feature = "local")]
pub(crate) fn groups<R: Table>(only: &Filter<R>, field: &Field<R>) -> Statement {
    let mut sql = Sql::default();
    sql.push("SELECT n, kind, CASE WHEN typeof(value) = 'text' THEN CAST(value AS BLOB) ELSE value END, ");
    sql.push("CAST(document AS BLOB) FROM (");
    push_groups(&mut sql, only, field);
    sql.push(" LIMIT ").bind(limit()).push(")");
    sql.statement()
}

/// As [`groups`], from the one after `after` on, in order, up to about `max`
/// bytes as a server counts them and at least one; the last column of each row
/// is how many were found.
#[cfg(feature = "remote")]
pub(crate) fn groups_bounded<R: Table>(
    only: &Filter<R>,
    field: &Field<R>,
    after: Option<&Group>,
    max: usize,
) -> Statement {
    let mut sql = Sql::default();
    sql.push("WITH found AS (");
    push_groups(&mut sql, only, field);
    if let Some(Group { place: (kind, value), .. }) = after {
        sql.push(" HAVING (kind, value) > (").bind(kind.as_str()).push(", ").bind(value.clone()).push(")");
    }
    sql.push(" ORDER BY kind, value LIMIT ").bind(limit());
    sql.push(
        "), measured AS (
            SELECT *, row_number() OVER wanted AS number, count(*) OVER () AS total,
                sum(octet_length(value) + ifnull(octet_length(document), 0) + 256) OVER wanted AS running
            FROM found
            WINDOW wanted AS (ORDER BY kind, value ROWS UNBOUNDED PRECEDING)
        )
        SELECT n, kind, value, document, total FROM measured WHERE number = 1 OR running <= ",
    );
    sql.bind(i64::try_from(max).unwrap_or(i64::MAX)).push(" ORDER BY number");
    sql.statement()
}

fn limit() -> i64 {
    i64::try_from(MOST).unwrap_or(i64::MAX)
}

/// Appends the groups: how many, the type, the value, and where the text of a
/// real in metadata cannot be taken from it by SQL, a metadata object of the
/// group's.
fn push_groups<R: Table>(sql: &mut Sql, only: &Filter<R>, field: &Field<R>) {
    sql.push("SELECT count(*) AS n, ");
    match place(field) {
        Place::Own { value, of } => {
            let (kind, value) = match (of, field.path()) {
                (FieldType::Real, Path::Own(name)) => ("real", Cow::Borrowed(R::expression(*name))),
                (FieldType::Integer, _) => ("integer", value),
                _ => ("text", value),
            };
            sql.push("CASE WHEN ").push(&value).push(" IS NULL THEN '' ELSE '").push(kind).push("' END AS kind, ");
            sql.push("ifnull(").push(&value).push(", '') AS value, NULL AS document");
        }
        Place::Metadata { value, kind, .. } => {
            let text = text_in_metadata(field);
            sql.push("CASE ").append(&kind).push(
                " WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'integer' THEN 'integer'
                WHEN 'real' THEN 'real' WHEN 'text' THEN 'text' ELSE '' END AS kind, CASE ",
            );
            sql.append(&kind).push(" WHEN 'text' THEN ").append(&value).push(" WHEN 'integer' THEN ").append(&value);
            sql.push(" WHEN 'real' THEN ");
            match &text {
                Some(text) => sql.push("ifnull(").append(text).push(", printf('%!.17g', ").append(&value).push("))"),
                None => sql.push("printf('%!.17g', ").append(&value).push(")"),
            };
            sql.push(" ELSE '' END AS value, CASE WHEN ").append(&kind).push(" = 'real'");
            if let Some(text) = &text {
                sql.push(" AND ").append(text).push(" IS NULL");
            }
            sql.push(" THEN metadata END AS document");
        }
    }
    sql.push(" FROM ").push(R::SQL.table).push(" WHERE ");
    filter::push(sql, only);
    sql.push(" GROUP BY 2, 3");
}

/// One row of a count by `field`.
pub(crate) fn group<R: Table>(columns: &dyn Columns, field: &Field<R>) -> Result<Group> {
    let count = u64::try_from(columns.integer(0)?).map_err(|_| unexpected(0, "a count"))?;
    let kind = columns.text(1)?;
    let (value, place) = match &*kind {
        "true" => (Some(Scalar::Bool(true)), Value::from("")),
        "false" => (Some(Scalar::Bool(false)), Value::from("")),
        "integer" => {
            let integer = columns.integer(2)?;
            (Some(Scalar::Integer(integer)), integer.into())
        }
        "real" => (Some(Scalar::Real(real(columns, field)?)), columns.text(2)?.into_owned().into()),
        "text" => {
            let text = columns.text(2)?.into_owned();
            (Some(Scalar::Text(Cow::Owned(text.clone()))), text.into())
        }
        _ => (None, Value::from("")),
    };
    Ok(Group { value, count, place: (kind.into_owned(), place) })
}

fn real<R: Table>(columns: &dyn Columns, field: &Field<R>) -> Result<f64> {
    match (columns.optional_text(3)?, field.path()) {
        (Some(document), Path::Metadata(keys)) => {
            let metadata: Metadata = serde_json::from_str(&document).map_err(|_| unexpected(3, "JSON"))?;
            metadata.get_path(keys).and_then(serde_json::Value::as_f64).ok_or_else(|| unexpected(3, "a real"))
        }
        _ => columns.text(2)?.parse().map_err(|_| unexpected(2, "a real")),
    }
}
