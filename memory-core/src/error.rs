//! The one error type of every storage.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::write_id::WriteId;

/// What every fallible operation returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`Episode`](crate::Episode)
    Episode,
    /// [`Pattern`](crate::Pattern)
    Pattern,
    /// [`Heuristic`](crate::Heuristic)
    Heuristic,
}

impl Kind {
    /// The name in lowercase, singular: `episode`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Episode => "episode",
            Self::Pattern => "pattern",
            Self::Heuristic => "heuristic",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which record an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordRef {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: Uuid,
}

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id.as_hyphenated())
    }
}

/// A failed storage operation.
///
/// Cheap to clone, since one failure may answer many waiters. A message says
/// what was being done, to which record, and what to do about it; the cause,
/// where there is one, is in [`source`](StdError::source) and not repeated.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller's input cannot be stored or asked for; nothing was done.
    /// The same call fails again.
    #[non_exhaustive]
    #[error("invalid input: {}`{field}`: {reason}", Prefix(*record))]
    InvalidInput {
        /// The record that was refused, where it was one.
        record: Option<RecordRef>,
        /// The field, argument or setting that was refused: `reward.total`.
        field: String,
        /// Why, and what would be accepted.
        reason: String,
    },

    /// Stored data is not what was written. Nothing but that data is affected.
    #[non_exhaustive]
    #[error("corrupt data: {what}")]
    Corrupt {
        /// What is damaged, and how that was noticed.
        what: String,
    },

    /// The storage cannot be reached or is overloaded. Nothing was done;
    /// trying again later may help.
    #[non_exhaustive]
    #[error("{operation}: the storage is unavailable: {reason}")]
    Unavailable {
        /// What was being done.
        operation: String,
        /// What stood in the way.
        reason: String,
        /// The underlying error, where there is one.
        source: Option<Cause>,
    },

    /// The storage cannot be used as it is set up: a host that does not exist,
    /// a certificate that is not trusted, a redirect, a missing database.
    /// Nothing was done. The same call fails until the setup changes; the
    /// reason names what to check.
    #[non_exhaustive]
    #[error("{operation}: the storage is not set up correctly: {reason}")]
    Misconfigured {
        /// What was being done.
        operation: String,
        /// What is wrong, and what to check.
        reason: String,
        /// The underlying error, where there is one.
        source: Option<Cause>,
    },

    /// The deadline passed before there was an answer. A write that times out
    /// with its outcome unknown is [`Error::Indeterminate`] instead.
    #[non_exhaustive]
    #[error("{operation}: the deadline passed: {reason}")]
    Timeout {
        /// What was being done.
        operation: String,
        /// What it was waiting for.
        reason: String,
    },

    /// The server refused the credentials.
    #[non_exhaustive]
    #[error("{operation}: unauthorized: {reason}")]
    Unauthorized {
        /// What was being done.
        operation: String,
        /// What the server said, and what to check.
        reason: String,
    },

    /// This storage cannot do that, now or ever.
    #[non_exhaustive]
    #[error("{operation}: unsupported: {reason}")]
    Unsupported {
        /// What was being done.
        operation: String,
        /// Why not.
        reason: String,
    },

    /// The write may or may not have happened, after all retries. Either
    /// [`commit`](crate::MemoryStorage::commit) the same batch again, until the
    /// answer is certain: `Ok` if it has happened, in an earlier attempt or now,
    /// and [`Error::Fenced`] if it has not and never will. Or
    /// [`settle`](crate::MemoryStorage::settle) it, so that it is over, then
    /// read, and where it has not happened write anew with a new batch. Both hold
    /// for as long as the storage remembers the write
    /// (see [`commit`](crate::MemoryStorage::commit)).
    #[non_exhaustive]
    #[error("write {write}: the outcome is unknown after all retries: {reason}")]
    Indeterminate {
        /// The indeterminate write.
        write: WriteId,
        /// What happened to the last attempt.
        reason: String,
        /// The underlying error of the last attempt, where there is one.
        source: Option<Cause>,
    },

    /// The write has not happened and never will: it was settled, or a later
    /// write fenced it off, before it could take effect. Committing the same
    /// batch again fails again; a new batch, with an id of its own, can be
    /// written.
    #[non_exhaustive]
    #[error(
        "write {write}: it was settled or fenced off before it took effect, so it did not happen and never will; \
         write it anew with a new batch"
    )]
    Fenced {
        /// The write that did not happen.
        write: WriteId,
    },

    /// The backend failed in a way that has no kind of its own.
    #[non_exhaustive]
    #[error("{operation}: the {backend} backend failed")]
    Backend {
        /// Which backend: `libsql`.
        backend: &'static str,
        /// What was being done.
        operation: String,
        /// The backend's own error.
        source: Cause,
    },
}

/// An error of another crate, shared by the clones of an [`Error`].
pub type Cause = Arc<dyn StdError + Send + Sync>;

struct Prefix(Option<RecordRef>);

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |record| write!(f, "{record}: "))
    }
}

impl Error {
    /// An [`Error::InvalidInput`] about an argument or a setting.
    pub fn invalid_input(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::InvalidInput { record: None, field: field.into(), reason: reason.into() }
    }

    /// An [`Error::Corrupt`].
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    /// An [`Error::Unavailable`].
    pub fn unavailable(operation: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Unavailable { operation: operation.into(), reason: reason.into(), source: None }
    }

    /// An [`Error::Misconfigured`].
    pub fn misconfigured(operation: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Misconfigured { operation: operation.into(), reason: reason.into(), source: None }
    }

    /// An [`Error::Timeout`].
    pub fn timeout(operation: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Timeout { operation: operation.into(), reason: reason.into() }
    }

    /// An [`Error::Unauthorized`]. The reason must not hold the credentials.
    pub fn unauthorized(operation: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Unauthorized { operation: operation.into(), reason: reason.into() }
    }

    /// An [`Error::Unsupported`].
    pub fn unsupported(operation: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Unsupported { operation: operation.into(), reason: reason.into() }
    }

    /// An [`Error::Indeterminate`].
    pub fn indeterminate(write: WriteId, reason: impl Into<String>) -> Self {
        Self::Indeterminate { write, reason: reason.into(), source: None }
    }

    /// An [`Error::Fenced`].
    pub const fn fenced(write: WriteId) -> Self {
        Self::Fenced { write }
    }

    /// An [`Error::Backend`].
    pub fn backend(
        backend: &'static str,
        operation: impl Into<String>,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self::Backend { backend, operation: operation.into(), source: Arc::new(source) }
    }

    /// Sets the source of an [`Error::Unavailable`], [`Error::Misconfigured`] or
    /// [`Error::Indeterminate`]; other errors are returned as they are.
    pub fn with_source(mut self, cause: Cause) -> Self {
        if let Self::Unavailable { source, .. }
        | Self::Misconfigured { source, .. }
        | Self::Indeterminate { source, .. } = &mut self
        {
            *source = Some(cause);
        }
        self
    }

    /// Names the record that an [`Error::InvalidInput`] is about; other errors
    /// and those that name one already are returned as they are.
    pub fn about(mut self, about: RecordRef) -> Self {
        if let Self::InvalidInput { record, .. } = &mut self {
            record.get_or_insert(about);
        }
        self
    }

    /// Whether the same call may succeed later without any change. True for
    /// [`Unavailable`](Error::Unavailable) and [`Timeout`](Error::Timeout).
    /// False for [`Indeterminate`](Error::Indeterminate), since that write may
    /// have happened, and for [`Fenced`](Error::Fenced), since that one never
    /// will.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Timeout { .. })
    }

    /// Whether the write may have taken effect all the same.
    pub const fn outcome_unknown(&self) -> bool {
        matches!(self, Self::Indeterminate { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_record_the_field_and_the_reason() {
        let record = RecordRef { kind: Kind::Pattern, id: Uuid::nil() };
        let error = Error::invalid_input("success_rate", "NaN is not a number").about(record);
        assert_eq!(
            error.to_string(),
            "invalid input: pattern 00000000-0000-0000-0000-000000000000: `success_rate`: NaN is not a number"
        );
        let other = RecordRef { kind: Kind::Episode, id: Uuid::max() };
        assert!(matches!(error.about(other), Error::InvalidInput { record: Some(r), .. } if r == record));
    }

    #[test]
    fn the_source_is_linked_and_not_repeated() {
        let error = Error::backend("libsql", "get of 3 episodes", std::io::Error::other("disk on fire"));
        assert_eq!(error.to_string(), "get of 3 episodes: the libsql backend failed");
        assert_eq!(error.clone().source().unwrap().to_string(), "disk on fire");
    }

    #[test]
    fn a_source_is_kept_where_an_error_may_have_one() {
        let cause = || Arc::new(std::io::Error::other("refused")) as Cause;
        for error in [
            Error::unavailable("get", "away"),
            Error::misconfigured("get", "no such host"),
            Error::indeterminate(WriteId::new(), "reset"),
        ] {
            assert!(error.source().is_none());
            let error = error.with_source(cause());
            assert_eq!(error.source().unwrap().to_string(), "refused");
            assert!(!error.to_string().contains("refused"), "{error}");
        }
        assert!(Error::timeout("get", "no answer").with_source(cause()).source().is_none());
    }

    #[test]
    fn only_errors_that_changed_nothing_are_transient() {
        assert!(Error::unavailable("get", "refused").is_transient());
        assert!(Error::timeout("get", "no answer").is_transient());
        let unknown = Error::indeterminate(WriteId::new(), "reset");
        assert!(!unknown.is_transient() && unknown.outcome_unknown());
        assert!(!Error::invalid_input("x", "y").is_transient());
        assert!(!Error::misconfigured("get", "no such host").is_transient());
    }

    #[test]
    fn a_fenced_write_is_certain_and_not_tried_again() {
        let write = WriteId::new();
        let fenced = Error::fenced(write);
        assert!(!fenced.is_transient() && !fenced.outcome_unknown());
        assert!(fenced.to_string().contains(&write.to_string()), "{fenced}");
    }
}
