//! Bound on the length of the write-ahead log.
//!
//! SQLite writes the log back into the file whenever it is longer than 1,000
//! pages, 4 MiB, but begins it anew only when nobody reads from it at that
//! moment: under readers that overlap it grows for ever. So the writer looks at
//! the log's length after each job. Over the limit of 8 MiB it writes the log
//! back beside the readers, which is most of the work, then lets them stand
//! still, writes back the rest, and empties the log. The readers stand still once
//! the reads under way are over; reads that wait in the queue are not waited for.
//!
//! Readers of other processes do not stand still for this one. Where one of them
//! reads, or one of this process takes longer than the writer's patience, the
//! log is written back but not emptied, and the writer tries again each time it
//! has grown by another step, with twice the patience.

use std::path::PathBuf;
use std::time::Duration;

use super::Connection;
use super::standstill::Standstill;
use crate::config::LocalConfig;

pub(super) struct Log {
    path: PathBuf,
    /// `None` where there are no other connections in this storage.
    readers: Option<Standstill>,
    limit: u64,
    /// From this length on the next attempt is made.
    next: u64,
    patience: Duration,
    longest: Duration,
}

/// The first limit on the wait for readers under way.
const PATIENCE: Duration = Duration::from_millis(100);

/// The limit on the wait for a connection of another process.
pub(super) const OTHERS: Duration = Duration::from_millis(20);

/// A quarter of the limit.
const STEPS: u64 = 4;

impl Log {
    pub(super) fn new(path: PathBuf, readers: Option<Standstill>, config: &LocalConfig) -> Self {
        let (limit, longest) = (config.log_limit, config.busy_timeout.max(PATIENCE));
        Self { path, readers, limit, next: limit, patience: PATIENCE, longest }
    }

    /// Empties the log if it is too long and nobody reads from it.
    pub(super) fn keep_short(&mut self, connection: &mut Connection) {
        let length = std::fs::metadata(&self.path).map_or(0, |log| log.len());
        if length < self.next {
            if length < self.limit {
                self.reset();
            }
            return;
        }
        connection.write_log_back();
        let held = self.readers.as_ref().map(|readers| readers.hold(self.patience));
        if !matches!(held, Some(None)) && connection.empty_log() {
            self.reset();
        } else {
            self.next = length + self.limit / STEPS;
            self.patience = self.patience.saturating_mul(2).min(self.longest);
        }
    }

    const fn reset(&mut self) {
        self.next = self.limit;
        self.patience = PATIENCE;
    }
}

#[cfg(test)]
mod tests;
