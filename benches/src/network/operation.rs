//! What is measured.

use crate::clients::MOST;

/// Episodes, and patterns, that are committed together.
pub(super) const COMMITTED: usize = 5;
/// Reads at the same time.
pub(super) const CONCURRENT: usize = 8;

/// One row of the table, for each system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Get,
    GetBatch(usize),
    Store(usize),
    Commit,
    QueryMetadata,
    QueryPage,
    GetConcurrent,
}

pub(super) const OPERATIONS: [Operation; 11] = [
    Operation::Get,
    Operation::GetBatch(100),
    Operation::GetConcurrent,
    Operation::QueryMetadata,
    Operation::QueryPage,
    Operation::Store(1),
    Operation::Store(10),
    Operation::Store(50),
    Operation::Store(100),
    Operation::Store(MOST),
    Operation::Commit,
];

impl Operation {
    /// Its name in the report.
    pub(super) fn name(self) -> String {
        match self {
            Self::Get => "get".to_owned(),
            Self::GetBatch(size) => format!("get_batch/{size}"),
            Self::Store(1) => "store".to_owned(),
            Self::Store(size) => format!("store_batch/{size}"),
            Self::Commit => "commit".to_owned(),
            Self::QueryMetadata => "query_metadata".to_owned(),
            Self::QueryPage => "query_page".to_owned(),
            Self::GetConcurrent => format!("get_concurrent/{CONCURRENT}"),
        }
    }
}
