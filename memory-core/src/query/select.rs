//! Reference evaluation of queries and counts over records in memory.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Counts, Direction, Field, Filter, Order, Page, Position, Query, Scalar, validate_count};
use crate::error::Result;
use crate::limits::MAX_GROUPS;
use crate::{Error, Record};

/// Answers a query by a scan of `records`. This is the reference for every
/// backend, and a complete implementation for a backend without indexes.
///
/// # Errors
///
/// [`Error::InvalidInput`] for a query that [`Query::validate`] refuses.
pub fn select<R: Record>(query: &Query<R>, records: impl IntoIterator<Item = Arc<R>>) -> Result<Page<R>> {
    let from = query.validate()?;
    let order = &query.order;
    let mut found: Vec<_> = records
        .into_iter()
        .filter(|record| query.filter.matches(record))
        .filter(|record| from.as_ref().is_none_or(|from| order.compare(&order.position(record), from).is_gt()))
        .collect();
    found.sort_by(|a, b| order.compare(&order.position(a), &order.position(b)));
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    Ok(Page::new(query, found, more))
}

/// Counts by a scan of `records`. This is the reference for every backend.
///
/// # Errors
///
/// [`Error::InvalidInput`] for arguments that [`validate_count`] refuses, and
/// for more than [`MAX_GROUPS`] groups.
pub fn count<'a, R: Record>(
    filter: &Filter<R>,
    by: Option<&Field<R>>,
    records: impl IntoIterator<Item = &'a R>,
) -> Result<Counts> {
    validate_count(filter, by)?;
    let matching = records.into_iter().filter(|record| filter.matches(record));
    let Some(field) = by else {
        return Ok(Counts { total: matching.count() as u64, groups: Vec::new() });
    };
    Counts::grouped(field, matching.map(|record| (field.value(record).scalar().map(Scalar::into_owned), 1)))
}

impl Counts {
    /// Creates a count without groups.
    pub const fn total(total: u64) -> Self {
        Self { total, groups: Vec::new() }
    }

    /// Creates a count by `field` from values and their frequencies. Values may
    /// repeat, in any order and any numeric form.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for more than [`MAX_GROUPS`] groups.
    pub fn grouped<R: Record>(
        field: &Field<R>,
        values: impl IntoIterator<Item = (Option<Scalar<'static>>, u64)>,
    ) -> Result<Self> {
        let mut groups = BTreeMap::new();
        for (value, count) in values {
            let value = value.filter(|value| value.rank().is_some()).map(Scalar::canonical);
            *groups.entry(Group(value)).or_insert(0) += count;
            if groups.len() > MAX_GROUPS {
                let reason = format!("the field has more than {MAX_GROUPS} different values; narrow the filter");
                return Err(Error::invalid_input(field.path().to_string(), reason));
            }
        }
        Ok(Self {
            total: groups.values().sum(),
            groups: groups.into_iter().map(|(Group(value), count)| (value, count)).collect(),
        })
    }
}

struct Group(Option<Scalar<'static>>);

impl Ord for Group {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_values(self.0.as_ref(), other.0.as_ref(), Direction::Ascending)
    }
}

impl PartialOrd for Group {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Group {}

impl<R: Record> Order<R> {
    /// Returns the position of a record in this order.
    pub fn position(&self, record: &R) -> Position {
        let value = self.field.value(record).scalar().filter(|value| value.rank().is_some());
        Position { value: value.map(Scalar::into_owned), id: record.id().uuid() }
    }

    /// Compares two positions in this order.
    pub fn compare(&self, a: &Position, b: &Position) -> Ordering {
        compare_values(a.value.as_ref(), b.value.as_ref(), self.direction)
            .then_with(|| self.direction.apply(a.id.cmp(&b.id)))
    }
}

impl Direction {
    const fn apply(self, ordering: Ordering) -> Ordering {
        match self {
            Self::Ascending => ordering,
            Self::Descending => ordering.reverse(),
        }
    }
}

fn compare_values(a: Option<&Scalar<'_>>, b: Option<&Scalar<'_>>, direction: Direction) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => {
            direction.apply(a.rank().cmp(&b.rank()).then_with(|| a.compare(b).unwrap_or(Ordering::Equal)))
        }
    }
}
