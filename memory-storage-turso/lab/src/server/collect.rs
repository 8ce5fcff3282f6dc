//! Collecting what a program yields into one answer.

use libsql_hrana::proto;

use super::budget::{Budget, Share, column_size, value_size};
use super::run::{Interruption, Sink, Summary};

/// The results of the steps so far.
#[derive(Debug)]
pub(super) struct Collected {
    budget: Budget,
    results: Vec<Option<proto::StmtResult>>,
    errors: Vec<Option<proto::Error>>,
    current: Option<Current>,
    size: u64,
}

#[derive(Debug)]
struct Current {
    columns: Vec<proto::Col>,
    rows: Vec<proto::Row>,
    share: Share,
}

impl Collected {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, results: Vec::new(), errors: Vec::new(), current: None, size: 0 }
    }

    /// The answer to a batch.
    pub(super) fn into_batch(self) -> proto::BatchResult {
        proto::BatchResult { step_results: self.results, step_errors: self.errors, replication_index: None }
    }

    /// The answer to a single statement.
    pub(super) fn into_single(mut self) -> Result<Option<proto::StmtResult>, proto::Error> {
        match self.errors.pop().flatten() {
            Some(error) => Err(error),
            None => Ok(self.results.pop().flatten()),
        }
    }

    /// The first error, for those who want no rows.
    pub(super) fn into_error(self) -> Option<proto::Error> {
        self.errors.into_iter().flatten().next()
    }

    fn push(&mut self, result: Option<proto::StmtResult>, error: Option<proto::Error>) {
        self.results.push(result);
        self.errors.push(error);
        self.current = None;
    }
}

impl Sink for Collected {
    fn begin(&mut self, columns: Vec<proto::Col>) -> Result<(), Interruption> {
        let mut share = self.budget.share(self.size);
        share.take(columns.iter().map(column_size).sum())?;
        self.current = Some(Current { columns, rows: Vec::new(), share });
        Ok(())
    }

    fn row(&mut self, values: Vec<proto::Value>) -> Result<(), Interruption> {
        if let Some(current) = &mut self.current {
            current.share.take(values.iter().map(value_size).sum())?;
            current.rows.push(proto::Row { values });
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), Interruption> {
        if let Some(current) = self.current.take() {
            self.size += current.share.used();
            let result = proto::StmtResult {
                cols: current.columns,
                rows: current.rows,
                affected_row_count: summary.affected_rows,
                last_insert_rowid: summary.last_insert_rowid,
                replication_index: None,
                rows_read: summary.rows_read,
                rows_written: summary.rows_written,
                query_duration_ms: summary.milliseconds,
            };
            self.push(Some(result), None);
        }
        Ok(())
    }

    fn fail(&mut self, error: proto::Error) -> Result<(), Interruption> {
        self.size += error.message.len() as u64;
        self.push(None, Some(error));
        Ok(())
    }

    fn skip(&mut self) -> Result<(), Interruption> {
        self.push(None, None);
        Ok(())
    }
}
