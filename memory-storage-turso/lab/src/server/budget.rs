//! How large an answer may be, counted before it is built.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use libsql_hrana::proto;

use super::run::Interruption;

/// The limits, and what all answers being built take together.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    limits: Limits,
    in_use: Arc<AtomicU64>,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    one: u64,
    all: u64,
}

/// What one statement's rows take; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Budget,
    used: u64,
    /// What earlier statements of the same answer left of its limit.
    left: u64,
}

impl Budget {
    pub(super) fn new(one: u64, all: u64) -> Self {
        Self { limits: Limits { one, all }, in_use: Arc::default() }
    }

    /// The share of a statement whose answer holds `earlier` bytes already.
    pub(super) fn share(&self, earlier: u64) -> Share {
        Share { budget: self.clone(), used: 0, left: self.limits.one.saturating_sub(earlier) }
    }
}

impl Share {
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    pub(super) fn take(&mut self, size: u64) -> Result<(), Interruption> {
        if self.used + size > self.left {
            return Err(Interruption::TooLarge);
        }
        self.used += size;
        let before = self.budget.in_use.fetch_add(size, Ordering::Relaxed);
        if before + size > self.budget.limits.all {
            return Err(Interruption::TooLarge);
        }
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.in_use.fetch_sub(self.used, Ordering::Relaxed);
    }
}

/// A column's size, as libSQL's server estimates it: its JSON.
pub(super) fn column_size(column: &proto::Col) -> u64 {
    let name = column.name.as_deref().unwrap_or_default();
    let decltype = column.decltype.as_deref().unwrap_or("null");
    (r#"{"name":"","decltype":""}"#.len() + name.len() + decltype.len()) as u64
}

/// A value's size, as libSQL's server estimates it: its JSON before escaping, or a blob's own bytes.
pub(super) fn value_size(value: &proto::Value) -> u64 {
    let size = match value {
        proto::Value::None | proto::Value::Null => r#"{"type":"null"}"#.len(),
        proto::Value::Integer { value } => r#"{"type":"integer","value":""}"#.len() + value.to_string().len(),
        proto::Value::Float { value } => r#"{"type":"float","value":"}"#.len() + value.to_string().len(),
        proto::Value::Text { value } => r#"{"type":"text","value":""}"#.len() + value.len(),
        proto::Value::Blob { value } => value.len(),
    };
    size as u64
}
