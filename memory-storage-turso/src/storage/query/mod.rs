//! Queries in SQL.
//!
//! A query is put together from fixed texts and `?` parameters; what comes
//! from outside is bound. The one exception are paths made of checked
//! [`IndexedKey`](memory_core::backend::IndexedKey)s, which an index needs literally.

mod access;
#[cfg(feature = "remote")]
pub(crate) mod bounded;
mod count;
mod explain;
mod filter;
mod narrow;
mod order;
mod place;

#[cfg(feature = "local")]
use memory_core::Id;
use memory_core::Query;
use memory_core::backend::{Position, Scalar};

pub(crate) use access::by_index;
#[cfg(feature = "local")]
pub(crate) use count::groups;
pub(crate) use count::{Group, count, group};
#[cfg(feature = "remote")]
pub(crate) use count::{MOST as MAX_FOUND, groups_bounded};
pub(crate) use explain::{explain, plan};
pub(crate) use filter::check as check_filter;

use super::table::Table;
#[cfg(feature = "local")]
use crate::sql::id_list;
use crate::sql::{Statement, Value};

/// SQL in the making: text with `?` for each value, in order.
#[derive(Clone, Debug, Default)]
struct Sql {
    text: String,
    args: Vec<Value>,
}

impl Sql {
    fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.text.push('?');
        self.args.push(value.into());
        self
    }

    fn append(&mut self, other: &Self) -> &mut Self {
        self.text.push_str(&other.text);
        self.args.extend(other.args.iter().cloned());
        self
    }

    /// A number, bool or text as a parameter. A real is bound as its JSON text
    /// and parsed by SQLite, as the stored ones are: SQLite's parser is off by
    /// a bit far from 1, and what was parsed twice compares equal.
    fn scalar(&mut self, scalar: &Scalar<'_>) -> &mut Self {
        match scalar {
            Scalar::Null => self.push("NULL"),
            Scalar::Bool(value) => self.bind(i64::from(*value)),
            Scalar::Integer(integer) => self.bind(*integer),
            Scalar::Real(real) => {
                self.push("CAST(");
                self.bind(number_text(*real)).push(" AS REAL)")
            }
            Scalar::Text(text) => self.bind(&**text),
        }
    }

    fn statement(self) -> Statement {
        Statement::new(self.text, self.args)
    }
}

/// The JSON text of a finite number.
fn number_text(real: f64) -> String {
    serde_json::Value::from(real).to_string()
}

/// The records of these ids.
#[cfg(feature = "local")]
pub(crate) fn get<R: Table>(ids: &[Id<R>]) -> Statement {
    let mut sql = Sql::default();
    sql.push("SELECT ").push(R::SQL.columns.local).push(" FROM ").push(R::SQL.table).push(" WHERE ").push(R::SQL.id);
    sql.push(" IN (SELECT value FROM json_each(").bind(id_list(ids.iter().map(|id| id.uuid()))).push("))");
    sql.statement()
}

/// The records that answer a valid query from `position` on, one more than its
/// limit at the most, which tells whether there are more.
pub(crate) fn select<R: Table>(query: &Query<R>, position: Option<&Position>) -> Statement {
    let mut sql = Sql::default();
    sql.push("SELECT ").push(R::SQL.columns.local).push(" FROM ").push(R::SQL.table).push(" WHERE ");
    filter::push(&mut sql, &query.filter);
    order::push(&mut sql, &query.order, position);
    sql.push(" LIMIT ").bind(limit_and_one(query));
    sql.statement()
}

fn limit_and_one<R>(query: &Query<R>) -> i64 {
    i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1)
}
