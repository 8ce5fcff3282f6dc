//! Walking indexes.

use memory_core::{Direction, Error, Result};
use redb::{AccessGuard, Range, ReadOnlyTable, ReadTransaction, StorageError};

use super::budget::{Budget, Stop};
use super::error;
use super::index::{Entries, Index};
use super::keys::{self, Stamp};
use super::plan::Span;
use super::records::Stored;

const OPERATION: &str = "read an index";

type Keys = Range<'static, &'static [u8], ()>;
type Item = Result<(AccessGuard<'static, &'static [u8]>, AccessGuard<'static, ()>), StorageError>;

/// An index in a read transaction, which must outlive it.
pub(super) struct Opened {
    name: String,
    table: ReadOnlyTable<&'static [u8], ()>,
}

impl Opened {
    pub(super) fn new<R: Stored>(txn: &ReadTransaction, index: Index<'_>) -> Result<Self> {
        let name = index.name::<R>();
        let table = txn.open_table(Entries::new(&name)).map_err(|error| error::table(OPERATION, &error))?;
        Ok(Self { name, table })
    }

    /// The error for an entry of a record that is not there.
    pub(super) fn dangling(&self, (_, id): Stamp) -> Error {
        Error::corrupt(format!("index {} names {id}, and no such record is there", self.name))
    }

    fn range(&self, span: &Span) -> Result<Keys> {
        let from = &span.from[..];
        let range = match &span.to {
            Some(to) => self.table.range::<&[u8]>(from..&to[..]),
            None => self.table.range::<&[u8]>(from..),
        };
        range.map_err(|error| error::storage(OPERATION, &error))
    }

    fn parse<T>(&self, item: Item, with: impl FnOnce(&[u8], Stamp) -> T) -> Result<T> {
        let (key, _) = item.map_err(|error| error::storage(OPERATION, &error))?;
        match keys::split(key.value()) {
            Some((value, stamp)) => Ok(with(value, stamp)),
            None => Err(Error::corrupt(format!("index {} holds bytes that are no key", self.name))),
        }
    }

    /// Shows every entry of the spans to `see`: the bytes of its value, and its
    /// stamp.
    pub(super) fn each(
        &self,
        spans: &[Span],
        budget: &mut Budget,
        mut see: impl FnMut(&[u8], Stamp, &mut Budget) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        for span in spans {
            for item in self.range(span)? {
                budget.entry()?;
                self.parse(item, |value, stamp| see(value, stamp, budget))??;
            }
        }
        Ok(())
    }

    /// The stamps of spans with one value each, all in one order.
    pub(super) fn merged(&self, spans: &[Span], direction: Direction) -> Result<Merged<'_>> {
        let mut lanes = Vec::with_capacity(spans.len());
        for span in spans {
            let mut keys = self.range(span)?;
            if let Some(head) = self.step(&mut keys, direction)? {
                lanes.push((head, keys));
            }
        }
        Ok(Merged { index: self, lanes, direction })
    }

    fn step(&self, keys: &mut Keys, direction: Direction) -> Result<Option<Stamp>> {
        let item = match direction {
            Direction::Ascending => keys.next(),
            Direction::Descending => keys.next_back(),
        };
        item.map(|item| self.parse(item, |_, stamp| stamp)).transpose()
    }
}

/// Several spans, walked side by side.
pub(super) struct Merged<'a> {
    index: &'a Opened,
    /// Each one's next stamp.
    lanes: Vec<(Stamp, Keys)>,
    direction: Direction,
}

impl Iterator for Merged<'_> {
    type Item = Result<Stamp>;

    fn next(&mut self) -> Option<Result<Stamp>> {
        let lanes = self.lanes.iter().enumerate();
        let (at, _) = match self.direction {
            Direction::Ascending => lanes.min_by_key(|(_, (stamp, _))| *stamp)?,
            Direction::Descending => lanes.max_by_key(|(_, (stamp, _))| *stamp)?,
        };
        let (head, keys) = &mut self.lanes[at];
        let stamp = *head;
        match self.index.step(keys, self.direction) {
            Ok(Some(next)) => *head = next,
            Ok(None) => drop(self.lanes.swap_remove(at)),
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(stamp))
    }
}
