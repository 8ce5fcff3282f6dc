//! Asking for records by what they hold.

mod cursor;
pub mod field;
mod filter;
mod normal;
mod select;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

pub use cursor::{Cursor, Position};
pub use field::{Field, Path};
pub use filter::{Filter, Predicate};
pub use select::{count, select};

use crate::error::Result;
use crate::fields::Scalar;
use crate::limits::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::{Error, Record, Timestamp};

/// A question for records of one kind: which, in what order, how many, and
/// from where on.
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
    /// Which records. Default: all.
    pub filter: Filter<R>,
    /// In what order. Default: newest first, by `start_time` or `created_at`.
    pub order: Order<R>,
    /// How many at most. Default: 100.
    pub limit: usize,
    /// From where on. Default: from the start.
    pub after: Option<Cursor>,
}

/// By which field, and which way. Ties are ordered by id the same way; a record
/// that has no single value there comes last, either way. Between types (in
/// metadata) `false < true <` numbers `<` texts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(bound = "")]
pub struct Order<R> {
    /// The field.
    pub field: Field<R>,
    /// Which way.
    pub direction: Direction,
}

/// Which way an order goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Direction {
    /// Smallest, or oldest, first.
    Ascending,
    /// Greatest, or newest, first.
    Descending,
}

impl<R: Record> Query<R> {
    /// All records, newest first.
    pub fn new() -> Self {
        Self {
            filter: Filter::all(),
            order: Order { field: Self::time(), direction: Direction::Descending },
            limit: DEFAULT_LIMIT,
            after: None,
        }
    }

    /// Only records that match this too.
    pub fn filter(mut self, filter: Filter<R>) -> Self {
        self.filter = self.filter & filter;
        self
    }

    /// Only records from this time on, itself included, by `start_time` or
    /// `created_at`.
    pub fn since(self, time: Timestamp) -> Self {
        self.filter(Self::time().ge(time))
    }

    /// Only records before this time, itself excluded, by `start_time` or
    /// `created_at`.
    pub fn until(self, time: Timestamp) -> Self {
        self.filter(Self::time().lt(time))
    }

    /// By `start_time` or `created_at`, greatest first. The default.
    pub fn newest_first(self) -> Self {
        self.order_by(Self::time(), Direction::Descending)
    }

    /// By `start_time` or `created_at`, smallest first.
    pub fn oldest_first(self) -> Self {
        self.order_by(Self::time(), Direction::Ascending)
    }

    /// In the order of this field.
    pub fn order_by(mut self, field: Field<R>, direction: Direction) -> Self {
        self.order = Order { field, direction };
        self
    }

    /// At most this many records, 1 to [`MAX_LIMIT`].
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The records that follow a page, by its [`Page::next`]. The filter and
    /// the order must be those that the page was asked with; the limit may
    /// differ.
    pub fn after(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.after = cursor.into();
        self
    }

    /// Whether every storage can answer this query, and from where on: the
    /// position that [`Query::after`] stands for.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a limit of 0 or over [`MAX_LIMIT`], an order
    /// by a list, a filter that [`Filter::validate`] refuses, and a cursor that
    /// is damaged or belongs to another query.
    pub fn validate(&self) -> Result<Option<Position>> {
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            let reason = format!("{} records a page, where 1 to {MAX_LIMIT} are possible", self.limit);
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

/// Whether a storage can count by this field: any but a list of the record's own.
///
/// # Errors
///
/// [`Error::InvalidInput`], also for a filter that [`Filter::validate`] refuses.
pub fn validate_count<R: Record>(filter: &Filter<R>, by: Option<&Field<R>>) -> Result<()> {
    filter.validate()?;
    by.map_or(Ok(()), Field::validate_single)
}

/// Some of the records that a query asks for, in its order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<R> {
    /// The records. A storage may give fewer than the limit with more to come.
    pub records: Vec<Arc<R>>,
    /// Where the next page begins; `None` where this one ends the results.
    /// Records that are added meanwhile appear on later pages if they sort
    /// after this one.
    pub next: Option<Cursor>,
}

impl<R: Record> Page<R> {
    /// A page of an answer to `query`. With `more`, the next page begins after
    /// the last of `records`.
    pub fn new(query: &Query<R>, records: Vec<Arc<R>>, more: bool) -> Self {
        let next = records.last().filter(|_| more).map(|last| Cursor::after(query, last));
        Self { records, next }
    }
}

/// How many records match, all together and by the values of a field.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Counts {
    /// All together.
    pub total: u64,
    /// By value, in the order of [`Order`] ascending; empty where no field was
    /// asked for. Equal numbers are one group, shown as an integer where they
    /// are one. `None` stands for records with no single value there.
    pub groups: Vec<(Option<Scalar<'static>>, u64)>,
}

/// How a storage would answer a query.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// What it does to find the records.
    pub access: Access,
    /// The same in the storage's own words.
    pub detail: String,
}

/// What a storage does to find the records of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Looks at every record, in the order asked for or not.
    Scan,
    /// Goes to a part of the records by this index.
    Index(String),
}

impl Plan {
    /// A plan.
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
