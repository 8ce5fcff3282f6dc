//! Counts in SQL.

use std::borrow::Cow;

use memory_core::limits::MAX_GROUPS;
use memory_core::{Field, FieldType, Filter, Metadata, Path, Result, Scalar};

use super::place::{Place, place};
use super::{Sql, filter};
use crate::storage::table::Table;
use crate::transport::{Columns, Statement, unexpected};

/// The statement that counts: rows of how many, the type of the value by its
/// JSON name, and the value; the last two only with a field to count by.
pub(crate) fn count<R: Table>(only: &Filter<R>, by: Option<&Field<R>>) -> Statement {
    let mut sql = Sql::default();
    sql.push("SELECT count(*)");
    if let Some(field) = by {
        group_columns(&mut sql, field);
    }
    sql.push(" FROM ").push(R::SQL.table).push(" WHERE ");
    filter::push(&mut sql, only);
    if by.is_some() {
        let limit = i64::try_from(MAX_GROUPS).unwrap_or(i64::MAX) * FORMS + 1;
        sql.push(" GROUP BY 2, 3 LIMIT ").bind(limit);
    }
    sql.statement()
}

/// How many groups of SQL may be one of ours: an integer and the equal real,
/// in metadata, and for the last one null, lists, objects and nothing at all.
const FORMS: i64 = 4;

fn group_columns<R: Table>(sql: &mut Sql, field: &Field<R>) {
    match place(field) {
        Place::Own { value, of } => {
            // A real as its JSON text, which is exact.
            let (kind, value) = match (of, field.path()) {
                (FieldType::Real, Path::Own(name)) => ("'real'", Cow::Borrowed(R::expression(*name))),
                (FieldType::Integer, _) => ("'integer'", value),
                _ => ("'text'", Cow::Owned(format!("CAST({value} AS BLOB)"))),
            };
            sql.push(", CASE WHEN ").push(&value).push(" IS NOT NULL THEN ").push(kind).push(" END, ").push(&value);
        }
        Place::Metadata { value, kind, .. } => {
            sql.push(", ").append(&kind).push(", CASE ").append(&kind).push(" WHEN 'text' THEN CAST(").append(&value);
            sql.push(" AS BLOB) WHEN 'integer' THEN ").append(&value).push(" WHEN 'real' THEN ").append(&value);
            // One of the group's, in which a real stands as it was written.
            sql.push(" END, CASE ").append(&kind).push(" WHEN 'real' THEN CAST(metadata AS BLOB) END");
        }
    }
}

/// One row of a count by `field`.
pub(crate) fn group<R: Table>(columns: &dyn Columns, field: &Field<R>) -> Result<(Option<Scalar<'static>>, u64)> {
    let count = u64::try_from(columns.integer(0)?).map_err(|_| unexpected(0, "a count"))?;
    let value = match columns.optional_text(1)?.as_deref() {
        Some("true") => Some(Scalar::Bool(true)),
        Some("false") => Some(Scalar::Bool(false)),
        Some("integer") => Some(Scalar::Integer(columns.integer(2)?)),
        Some("real") => Some(Scalar::Real(real(columns, field)?)),
        Some("text") => Some(Scalar::Text(Cow::Owned(columns.text(2)?.into_owned()))),
        _ => None,
    };
    Ok((value, count))
}

/// A real from its JSON text, since SQLite's own reading of it may be off by a
/// bit.
fn real<R: Table>(columns: &dyn Columns, field: &Field<R>) -> Result<f64> {
    match field.path() {
        Path::Own(_) => columns.text(2)?.parse().map_err(|_| unexpected(2, "a real")),
        Path::Metadata(keys) => {
            let metadata: Metadata = serde_json::from_str(&columns.text(3)?).map_err(|_| unexpected(3, "JSON"))?;
            metadata.get_path(keys).and_then(serde_json::Value::as_f64).ok_or_else(|| unexpected(3, "a real"))
        }
    }
}
