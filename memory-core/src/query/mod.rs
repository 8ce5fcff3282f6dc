//! Queries: filters, orders, pages and counts.

mod cursor;
pub mod field;
mod filter;
mod indexed_key;
mod normal;
mod select;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

pub use cursor::{Cursor, Position};
pub use field::{Field, Path};
pub use filter::{Filter, Predicate};
pub use indexed_key::IndexedKey;
pub use select::{count, select};

use crate::error::Result;
use crate::fields::Scalar;
use crate::limits::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::{Error, Record, Timestamp};

/// A query for records of one kind: a filter, an order, a limit and a cursor.
///
/// ```
/// use memory_core::field::{domain, metadata};
/// use memory_core::{Episode, Query};
///
/// let query = Query::<Episode>::new()
///     .filter(domain().eq("web") & metadata("session").eq("s77") & metadata("priority").ge(3))
///     .oldest_first()
///     .limit(50);
/// # query.validate().unwrap();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[must_use = "a query does nothing until a storage runs it"]
pub struct Query<R> {
    /// The filter. Default: every record.
    pub filter: Filter<R>,
    /// The order. Default: newest first, by `start_time` or `created_at`.
    pub order: Order<R>,
    /// Maximum number of records on a page. Default: 100.
    pub limit: usize,
    /// The cursor after which the page begins. Default: none, the first page.
    pub after: Option<Cursor>,
}

/// The order of a query's results.
///
/// Records with equal values are ordered by id, in the same direction. A record
/// without a single value at the field comes last in both directions. Values of
/// different types, which metadata can hold, are ordered `false < true <`
/// numbers `<` texts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(bound = "")]
pub struct Order<R> {
    /// The field to sort by.
    pub field: Field<R>,
    /// The direction.
    pub direction: Direction,
}

/// The direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Direction {
    /// Smallest or oldest value first.
    Ascending,
    /// Greatest or newest value first.
    Descending,
}

impl<R: Record> Query<R> {
    /// Creates a query for all records, newest first.
    pub fn new() -> Self {
        Self {
            filter: Filter::all(),
            order: Order { field: Self::time(), direction: Direction::Descending },
            limit: DEFAULT_LIMIT,
            after: None,
        }
    }

    /// Restricts the results to records that also match `filter`.
    pub fn filter(mut self, filter: Filter<R>) -> Self {
        self.filter = self.filter & filter;
        self
    }

    /// Restricts the results to records at or after `time`, by `start_time` or
    /// `created_at`.
    pub fn since(self, time: Timestamp) -> Self {
        self.filter(Self::time().ge(time))
    }

    /// Restricts the results to records before `time`, by `start_time` or
    /// `created_at`.
    pub fn until(self, time: Timestamp) -> Self {
        self.filter(Self::time().lt(time))
    }

    /// Orders the results by `start_time` or `created_at`, newest first. This
    /// is the default.
    pub fn newest_first(self) -> Self {
        self.order_by(Self::time(), Direction::Descending)
    }

    /// Orders the results by `start_time` or `created_at`, oldest first.
    pub fn oldest_first(self) -> Self {
        self.order_by(Self::time(), Direction::Ascending)
    }

    /// Orders the results by `field`.
    pub fn order_by(mut self, field: Field<R>, direction: Direction) -> Self {
        self.order = Order { field, direction };
        self
    }

    /// Sets the maximum number of records on a page, 1 to [`MAX_LIMIT`].
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Continues after a page, given its [`Page::next`]. The filter and the
    /// order must equal those of the query that returned the page. The limit
    /// may differ.
    pub fn after(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.after = cursor.into();
        self
    }

    /// Validates the query, and returns the position that [`Query::after`]
    /// stands for.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a limit of 0 or over [`MAX_LIMIT`], an order
    /// by a list, a filter that [`Filter::validate`] refuses, and a cursor that
    /// is damaged or belongs to another query.
    pub fn validate(&self) -> Result<Option<Position>> {
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            let reason = format!("{} records on a page; the limit is 1 to {MAX_LIMIT}", self.limit);
            return Err(Error::invalid_input("limit", reason));
        }
        self.filter.validate()?;
        self.order.field.validate_single()?;
        self.after.as_ref().map(|cursor| cursor.position(self)).transpose()
    }

    fn time() -> Field<R> {
        field::own(R::TIME)
    }
}

impl<R: Record> Default for Query<R> {
    fn default() -> Self {
        Self::new()
    }
}

/// Validates the arguments of a count. A count can go by any field except a
/// list of the record's own.
///
/// # Errors
///
/// [`Error::InvalidInput`] for a list field, and for a filter that
/// [`Filter::validate`] refuses.
pub fn validate_count<R: Record>(filter: &Filter<R>, by: Option<&Field<R>>) -> Result<()> {
    filter.validate()?;
    by.map_or(Ok(()), Field::validate_single)
}

/// One page of a query's results, in the query's order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<R> {
    /// The records. A page may hold fewer records than the limit although more
    /// follow.
    pub records: Vec<Arc<R>>,
    /// The cursor of the next page, or `None` on the last page. A record that
    /// is added between two calls appears on a later page if it sorts after
    /// this page.
    pub next: Option<Cursor>,
}

impl<R: Record> Page<R> {
    /// Creates a page of the results of `query`. If `more` is true, the next
    /// page begins after the last of `records`.
    pub fn new(query: &Query<R>, records: Vec<Arc<R>>, more: bool) -> Self {
        let next = records.last().filter(|_| more).map(|last| Cursor::after(query, last));
        Self { records, next }
    }
}

/// The result of a count: a total, and groups by the values of a field.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Counts {
    /// Number of matching records.
    pub total: u64,
    /// Number of matching records for each value of the field, sorted by value
    /// as [`Order`] sorts ascending. Empty if the count has no field. Equal
    /// numbers form one group, whose value is an integer if it is integral.
    /// `None` is the group of the records without a single value at the field.
    pub groups: Vec<(Option<Scalar<'static>>, u64)>,
}

/// The plan by which a storage answers a query.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The access path.
    pub access: Access,
    /// A description by the storage, for people.
    pub detail: String,
}

/// The access path of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// The storage reads every record.
    Scan,
    /// The storage reads a part of the records through the index of this name.
    Index(String),
}

impl Plan {
    /// Creates a plan.
    pub fn new(access: Access, detail: impl Into<String>) -> Self {
        Self { access, detail: detail.into() }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.access {
            Access::Scan => f.write_str("scan")?,
            Access::Index(name) => write!(f, "index {name}")?,
        }
        write!(f, ": {}", self.detail)
    }
}
