//! Queries and gets.

use std::cmp::Ordering;
use std::sync::Arc;

use memory_core::backend::{Path, Position, Scalar};
use memory_core::{Direction, Id, Order, Page, Query, Result};
use redb::{ReadOnlyTable, ReadTransaction};

use super::budget::{Budget, Stop};
use super::error;
use super::index::Indexes;
use super::keys::{self, Stamp};
use super::plan::{Access, Plan, Shape, Span, is_ordered, plan};
use super::records::{self, Stored};
use super::scan::Opened;

pub(super) type Table = ReadOnlyTable<&'static [u8; 16], &'static [u8]>;

/// The records of a kind in a read transaction.
pub(super) fn table<R: Stored>(txn: &ReadTransaction) -> Result<Table> {
    txn.open_table(R::RECORDS).map_err(|error| error::table("read records", &error))
}

pub(super) fn get<R: Stored>(
    txn: &ReadTransaction,
    ids: &[Id<R>],
    budget: &mut Budget,
) -> Result<Vec<Option<Arc<R>>>, Stop> {
    let table = table::<R>(txn)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        budget.entry()?;
        found.push(match records::get::<R>(&table, id.uuid())? {
            None => None,
            Some((record, bytes)) => {
                budget.record(bytes)?;
                Some(Arc::new(record))
            }
        });
    }
    Ok(found)
}

/// Finds one page of a query, from a position on.
pub(super) fn page<R: Stored>(
    txn: &ReadTransaction,
    indexes: &Indexes,
    query: &Query<R>,
    from: Option<&Position>,
    budget: &mut Budget,
) -> Result<Page<R>, Stop> {
    let plan = plan(indexes, &query.filter);
    let search = Search { table: table::<R>(txn)?, query, from };
    let mut found = match plan.access {
        Access::Nothing => Vec::new(),
        Access::Ids(ids) => {
            let mut found = Vec::new();
            for id in ids {
                budget.entry()?;
                if let Some((record, bytes)) = records::get::<R>(&search.table, id)? {
                    budget.record(bytes)?;
                    found.extend(search.wanted(record).map(Arc::new));
                }
            }
            found.sort_by(|a, b| search.compare(a, b));
            found
        }
        Access::Walk { index, ref spans, shape } => {
            let index = Opened::new::<R>(txn, index)?;
            let stamp = search.stamp();
            match (is_ordered(&query.order, spans, shape), from, stamp) {
                (true, None, _) => search.in_order(&index, spans, budget)?,
                (true, Some(_), Some(stamp)) => {
                    let rest: Vec<_> =
                        spans.iter().map(|span| span.clone().beyond(stamp, query.order.direction)).collect();
                    search.in_order(&index, &rest, budget)?
                }
                _ => search.sorted(&index, &plan, spans, shape, budget)?,
            }
        }
    };
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    Ok(Page::new(query, found, more))
}

struct Search<'a, R> {
    table: Table,
    query: &'a Query<R>,
    from: Option<&'a Position>,
}

impl<R: Stored> Search<'_, R> {
    const fn order(&self) -> &Order<R> {
        &self.query.order
    }

    /// One more than the page holds, which tells whether there are more.
    const fn enough(&self) -> usize {
        self.query.limit + 1
    }

    fn by_time(&self) -> bool {
        *self.order().field.path() == Path::Own(R::TIME)
    }

    /// The position as a stamp, in an order by time.
    fn stamp(&self) -> Option<Stamp> {
        match self.from {
            Some(Position { value: Some(Scalar::Integer(micros)), id }) if self.by_time() => Some((*micros, *id)),
            _ => None,
        }
    }

    fn compare(&self, a: &R, b: &R) -> Ordering {
        self.order().compare(&self.order().position(a), &self.order().position(b))
    }

    /// Compares two stamps in an order by time.
    fn compare_stamps(&self, a: &Stamp, b: &Stamp) -> Ordering {
        match self.order().direction {
            Direction::Ascending => a.cmp(b),
            Direction::Descending => b.cmp(a),
        }
    }

    /// The record if it is asked for.
    fn wanted(&self, record: R) -> Option<R> {
        let order = self.order();
        let beyond = self.from.is_none_or(|from| order.compare(&order.position(&record), from).is_gt());
        (beyond && self.query.filter.matches(&record)).then_some(record)
    }

    fn read(&self, index: &Opened, stamp: Stamp, budget: &mut Budget) -> Result<R, Stop> {
        let (record, bytes) = records::get::<R>(&self.table, stamp.1)?.ok_or_else(|| index.dangling(stamp))?;
        budget.record(bytes)?;
        Ok(record)
    }

    /// Walks the index in the order of the query, and no further than needed.
    fn in_order(&self, index: &Opened, spans: &[Span], budget: &mut Budget) -> Result<Vec<Arc<R>>, Stop> {
        let mut found = Vec::new();
        for stamp in index.merged(spans, self.order().direction)? {
            budget.entry()?;
            found.extend(self.wanted(self.read(index, stamp?, budget)?).map(Arc::new));
            if found.len() == self.enough() {
                break;
            }
        }
        Ok(found)
    }

    /// Walks all of the spans, and keeps the first records in the order of the
    /// query.
    fn sorted(
        &self,
        index: &Opened,
        plan: &Plan<'_>,
        spans: &[Span],
        shape: Shape,
        budget: &mut Budget,
    ) -> Result<Vec<Arc<R>>, Stop> {
        if shape == Shape::Points && spans.len() == 1 && !self.by_time() && !plan.exact {
            // Every record is read, whatever it holds.
            budget.long()?;
        }
        if self.by_time() && (self.from.is_none() || self.stamp().is_some()) {
            return self.sorted_by_time(index, plan, spans, budget);
        }
        let mut first = First::new(self.enough(), |a: &Arc<R>, b: &Arc<R>| self.compare(a, b));
        index.each(spans, budget, |_, stamp, budget| {
            if plan.times.contains(stamp.0)
                && let Some(record) = self.wanted(self.read(index, stamp, budget)?)
            {
                first.push(Arc::new(record));
            }
            Ok(())
        })?;
        Ok(first.finish())
    }

    /// Collects records in an order by time, which entries of an index tell: records are
    /// read only where the index does not say whether they match.
    fn sorted_by_time(
        &self,
        index: &Opened,
        plan: &Plan<'_>,
        spans: &[Span],
        budget: &mut Budget,
    ) -> Result<Vec<Arc<R>>, Stop> {
        let from = self.stamp();
        let mut first = First::new(self.enough(), |a, b| self.compare_stamps(a, b));
        index.each(spans, budget, |value, stamp, budget| {
            let beyond = from.is_none_or(|from| self.compare_stamps(&stamp, &from).is_gt());
            if beyond && plan.times.contains(stamp.0) && first.takes(&stamp) {
                let sure = plan.exact && !keys::is_cut(value);
                if sure || self.wanted(self.read(index, stamp, budget)?).is_some() {
                    first.push(stamp);
                }
            }
            Ok(())
        })?;
        let mut found = Vec::new();
        for stamp in first.finish() {
            found.extend(self.wanted(self.read(index, stamp, budget)?).map(Arc::new));
        }
        Ok(found)
    }
}

/// The first few of many, in an order.
struct First<T, F> {
    count: usize,
    compare: F,
    items: Vec<T>,
    /// The first of them are in order, and nothing after the last of those is
    /// among the first few.
    full: bool,
}

impl<T, F: Fn(&T, &T) -> Ordering> First<T, F> {
    const fn new(count: usize, compare: F) -> Self {
        Self { count, compare, items: Vec::new(), full: false }
    }

    /// Returns whether an item can be among the first few.
    fn takes(&self, item: &T) -> bool {
        !self.full || (self.compare)(item, &self.items[self.count - 1]).is_lt()
    }

    fn push(&mut self, item: T) {
        if !self.takes(&item) {
            return;
        }
        self.items.push(item);
        if self.items.len() >= 2 * self.count {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.items.sort_by(&self.compare);
        self.items.truncate(self.count);
        self.full = self.items.len() == self.count;
    }

    fn finish(mut self) -> Vec<T> {
        self.cut();
        self.items
    }
}
