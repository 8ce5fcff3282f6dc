//! Counts.

use memory_core::backend::Scalar;
use memory_core::{Counts, Error, Field, Filter, Result};
use redb::{ReadTransaction, ReadableTableMetadata};

use super::budget::{Budget, Stop};
use super::error;
use super::find::{Table, table};
use super::index::{Index, Indexes};
use super::keys::{self, Stamp, Value};
use super::plan::{Access, Plan, plan};
use super::records::{self, Stored};
use super::scan::Opened;

pub(super) fn count<R: Stored>(
    txn: &ReadTransaction,
    indexes: &Indexes,
    filter: &Filter<R>,
    by: Option<&Field<R>>,
    budget: &mut Budget,
) -> Result<Counts, Stop> {
    let plan = plan(indexes, filter);
    let counting = Counting { txn, table: table::<R>(txn)?, filter, plan };
    match by {
        None => counting.total(budget).map(Counts::total),
        Some(field) => counting.groups(indexes, field, budget),
    }
}

struct Counting<'a, R> {
    txn: &'a ReadTransaction,
    table: Table,
    filter: &'a Filter<R>,
    plan: Plan<'a>,
}

type Group = (Option<Scalar<'static>>, u64);

impl<R: Stored> Counting<'_, R> {
    fn total(&self, budget: &mut Budget) -> Result<u64, Stop> {
        if let Filter::And(parts) = self.filter
            && parts.is_empty()
        {
            return Ok(self.table.len().map_err(|error| error::storage("count", &error))?);
        }
        let mut total = 0;
        self.each(budget, true, |_| {
            total += 1;
            Ok(())
        })?;
        Ok(total)
    }

    fn groups(&self, indexes: &Indexes, field: &Field<R>, budget: &mut Budget) -> Result<Counts, Stop> {
        let mut groups = Groups::new(field);
        match indexes.on::<R>(field.path()) {
            Some((_, index)) if self.covers(index) => self.indexed(index, &mut groups, budget)?,
            _ => self.each(budget, false, |record| {
                let value = record.and_then(|record| field.value(record).scalar()).map(Scalar::into_owned);
                groups.add(value, 1)
            })?,
        }
        Ok(groups.finish()?)
    }

    /// Returns whether this index alone tells which records match, and what they hold.
    fn covers(&self, index: Index<'_>) -> bool {
        match &self.plan.access {
            Access::Walk { index: walked, .. } => self.plan.exact && (*walked == Index::Time || *walked == index),
            Access::Nothing | Access::Ids(_) => false,
        }
    }

    /// Counts by the values in an index.
    fn indexed(&self, index: Index<'_>, groups: &mut Groups<'_, R>, budget: &mut Budget) -> Result<(), Stop> {
        let Access::Walk { index: walked, spans, .. } = &self.plan.access else { return Ok(()) };
        let opened = Opened::new::<R>(self.txn, index)?;
        let own = *walked == index;
        // Without a filter on the field itself, all of its entries are looked at,
        // and records without one are what is missing to the whole.
        let all = [super::plan::Span::all()];
        let (mut seen, mut run): (u64, (Vec<u8>, u64)) = (0, (Vec::new(), 0));
        opened.each(if own { spans } else { &all }, budget, |value, stamp, budget| {
            if !self.plan.times.contains(stamp.0) {
                return Ok(());
            }
            if keys::is_cut(value) {
                let record = self.read(&opened, stamp, budget)?;
                if self.filter.matches(&record) {
                    groups.add(groups.field.value(&record).scalar().map(Scalar::into_owned), 1)?;
                    seen += 1;
                }
                return Ok(());
            }
            seen += 1;
            if run.0 == value {
                run.1 += 1;
                return Ok(());
            }
            let (ended, times) = std::mem::replace(&mut run, (value.to_vec(), 1));
            groups.add_key(&ended, times)
        })?;
        groups.add_key(&run.0, run.1)?;
        if !own {
            let missing = self.total(budget)?.saturating_sub(seen);
            groups.add(None, missing)?;
        }
        Ok(())
    }

    fn read(&self, index: &Opened, stamp: Stamp, budget: &mut Budget) -> Result<R, Stop> {
        let (record, bytes) = records::get::<R>(&self.table, stamp.1)?.ok_or_else(|| index.dangling(stamp))?;
        budget.record(bytes)?;
        Ok(record)
    }

    /// Shows every record that matches to `see`; only its being there where the
    /// index tells enough and the caller needs no more.
    fn each(
        &self,
        budget: &mut Budget,
        only_there: bool,
        mut see: impl FnMut(Option<&R>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        match &self.plan.access {
            Access::Nothing => Ok(()),
            Access::Ids(ids) => {
                for id in ids {
                    budget.entry()?;
                    if let Some((record, bytes)) = records::get::<R>(&self.table, *id)? {
                        budget.record(bytes)?;
                        if self.filter.matches(&record) {
                            see(Some(&record))?;
                        }
                    }
                }
                Ok(())
            }
            Access::Walk { index, spans, .. } => {
                let opened = Opened::new::<R>(self.txn, *index)?;
                opened.each(spans, budget, |value, stamp, budget| {
                    if !self.plan.times.contains(stamp.0) {
                        return Ok(());
                    }
                    if only_there && self.plan.exact && !keys::is_cut(value) {
                        return see(None);
                    }
                    let record = self.read(&opened, stamp, budget)?;
                    if self.filter.matches(&record) { see(Some(&record)) } else { Ok(()) }
                })
            }
        }
    }
}

/// Groups as they come, of which the number is bounded.
struct Groups<'a, R> {
    field: &'a Field<R>,
    counts: Vec<Group>,
}

/// The number of groups that are collected before equal ones are merged.
const PENDING: usize = 64 << 10;

impl<'a, R: Stored> Groups<'a, R> {
    const fn new(field: &'a Field<R>) -> Self {
        Self { field, counts: Vec::new() }
    }

    fn add(&mut self, value: Option<Scalar<'static>>, times: u64) -> Result<(), Stop> {
        if times == 0 {
            return Ok(());
        }
        self.counts.push((value, times));
        if self.counts.len() >= PENDING {
            self.counts = Counts::grouped(self.field, self.counts.drain(..))?.groups;
        }
        Ok(())
    }

    /// Adds what a key of the index stands for.
    fn add_key(&mut self, value: &[u8], times: u64) -> Result<(), Stop> {
        if times == 0 {
            return Ok(());
        }
        match keys::decode(value) {
            Some(Value::Whole(scalar)) => self.add(Some(scalar), times),
            Some(Value::Other) => self.add(None, times),
            Some(Value::Cut) | None => {
                Err(Error::corrupt(format!("an index on {} holds bytes that are no value", self.field.path())).into())
            }
        }
    }

    fn finish(self) -> Result<Counts> {
        Counts::grouped(self.field, self.counts)
    }
}
