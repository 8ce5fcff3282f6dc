//! The error type of every storage.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::write_id::WriteId;

/// Result of a storage operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of a record.
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
    /// Returns the name in lowercase, singular: `episode`.
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

/// A reference to the record that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordRef {
    /// The record's kind.
    pub kind: Kind,
    /// The record's id.
    pub id: Uuid,
}

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id.as_hyphenated())
    }
}

/// A failed storage operation.
///
/// Errors are cheap to clone, since one failure may be reported to many
/// waiters. The message names the operation, the record and the remedy. The
/// cause is available through [`source`](StdError::source), and the message
/// does not repeat it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is invalid. Nothing was done. The same call fails again.
    #[non_exhaustive]
    #[error("invalid input: {}`{field}`: {reason}", Prefix(*record))]
    InvalidInput {
        /// The refused record, if the input was a record.
        record: Option<RecordRef>,
        /// The refused field, argument or setting: `reward.total`.
        field: String,
        /// The reason, and the input that would be accepted.
        reason: String,
    },

    /// Stored data differs from the data that was written. Other data is not
    /// affected.
    #[non_exhaustive]
    #[error("corrupt data: {what}")]
    Corrupt {
        /// The damaged data, and the check that failed.
        what: String,
    },

    /// The storage cannot be reached or is overloaded. Nothing was done. The
    /// call may succeed later.
    #[non_exhaustive]
    #[error("{operation}: the storage is unavailable: {reason}")]
    Unavailable {
        /// The operation that failed.
        operation: String,
        /// The reason.
        reason: String,
        /// The underlying error, if there is one.
        source: Option<Cause>,
    },

    /// The storage is not set up correctly: the host does not exist, the
    /// certificate is not trusted, the server redirects, the database is
    /// missing. Nothing was done. The same call fails until the setup changes.
    /// The reason names the setting to check.
    #[non_exhaustive]
    #[error("{operation}: the storage is not set up correctly: {reason}")]
    Misconfigured {
        /// The operation that failed.
        operation: String,
        /// The reason, and the setting to check.
        reason: String,
        /// The underlying error, if there is one.
        source: Option<Cause>,
    },

    /// The deadline passed before the answer arrived. A write whose outcome is
    /// unknown at its deadline fails with [`Error::Indeterminate`] instead.
    #[non_exhaustive]
    #[error("{operation}: the deadline passed: {reason}")]
    Timeout {
        /// The operation that failed.
        operation: String,
        /// The event that the operation waited for.
        reason: String,
    },

    /// The server refused the credentials.
    #[non_exhaustive]
    #[error("{operation}: unauthorized: {reason}")]
    Unauthorized {
        /// The operation that failed.
        operation: String,
        /// The server's answer, and the setting to check.
        reason: String,
    },

    /// The storage does not support the operation.
    #[non_exhaustive]
    #[error("{operation}: unsupported: {reason}")]
    Unsupported {
        /// The operation that failed.
        operation: String,
        /// The reason.
        reason: String,
    },

    /// The outcome of the write is unknown after all retries. The caller has
    /// two ways to find out:
    ///
    /// - [`commit`](crate::MemoryStorage::commit) the same batch again until
    ///   the answer is certain. `Ok` means that the write has taken effect, in
    ///   an earlier attempt or now. [`Error::Fenced`] means that it never will.
    /// - [`settle`](crate::MemoryStorage::settle) the write and then read. If
    ///   it has not taken effect, write a new batch.
    ///
    /// Both work for as long as the storage remembers the write (see
    /// [`commit`](crate::MemoryStorage::commit)).
    #[non_exhaustive]
    #[error("write {write}: the outcome is unknown after all retries: {reason}")]
    Indeterminate {
        /// The indeterminate write.
        write: WriteId,
        /// The failure of the last attempt.
        reason: String,
        /// The underlying error of the last attempt, if there is one.
        source: Option<Cause>,
    },

    /// The write has not taken effect and never will, because it was settled,
    /// or a later write fenced it. Committing the same batch again fails again.
    /// A new batch can be written.
    #[non_exhaustive]
    #[error(
        "write {write}: it was settled or fenced before it took effect, and never will take effect; \
         write it anew with a new batch"
    )]
    Fenced {
        /// The write without effect.
        write: WriteId,
    },

    /// The backend failed in a way that no other variant describes.
    #[non_exhaustive]
    #[error("{operation}: the {backend} backend failed")]
    Backend {
        /// The name of the backend: `libsql`.
        backend: &'static str,
        /// The operation that failed.
        operation: String,
        /// The backend's error.
        source: Cause,
    },
}

/// An error of another crate. The clones of an [`Error`] share it.
pub type Cause = Arc<dyn StdError + Send + Sync>;

struct Prefix(Option<RecordRef>);

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |record| write!(f, "{record}: "))
    }
}

impl Error {
    /// Creates an [`Error::InvalidInput`] about an argument or a setting.
    pub fn invalid_input(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::InvalidInput { record: None, field: field.into(), reason: reason.into() }
    }

    /// Creates an [`Error::Corrupt`].
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    /// Creates an [`Error::Unavailable`].
    pub fn unavailable(operation: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Unavailable { operation: operation.into(), reason: reason.into(), source: None }
    }

    /// Creates an [`Error::Misconfigured`].
    pub fn misconfigured(operation: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Misconfigured { operation: operation.into(), reason: reason.into(), source: None }
    }

    /// Creates an [`Error::Timeout`].
    pub fn timeout(operation: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Timeout { operation: operation.into(), reason: reason.into() }
    }

    /// Creates an [`Error::Unauthorized`]. The reason must not contain the
    /// credentials.
    pub fn unauthorized(operation: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Unauthorized { operation: operation.into(), reason: reason.into() }
    }

    /// Creates an [`Error::Unsupported`].
    pub fn unsupported(operation: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Unsupported { operation: operation.into(), reason: reason.into() }
    }

    /// Creates an [`Error::Indeterminate`].
    pub fn indeterminate(write: WriteId, reason: impl Into<String>) -> Self {
        Self::Indeterminate { write, reason: reason.into(), source: None }
    }

    /// Creates an [`Error::Fenced`].
    pub const fn fenced(write: WriteId) -> Self {
        Self::Fenced { write }
    }

    /// Creates an [`Error::Backend`].
    pub fn backend(
        backend: &'static str,
        operation: impl Into<String>,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self::Backend { backend, operation: operation.into(), source: Arc::new(source) }
    }

    /// Sets the source of an [`Error::Unavailable`], [`Error::Misconfigured`]
    /// or [`Error::Indeterminate`]. Leaves other errors unchanged.
    pub fn with_source(mut self, cause: Cause) -> Self {
        if let Self::Unavailable { source, .. }
        | Self::Misconfigured { source, .. }
        | Self::Indeterminate { source, .. } = &mut self
        {
            *source = Some(cause);
        }
        self
    }

    /// Sets the record of an [`Error::InvalidInput`] that names none. Leaves
    /// other errors unchanged.
    pub fn about(mut self, about: RecordRef) -> Self {
        if let Self::InvalidInput { record, .. } = &mut self {
            record.get_or_insert(about);
        }
        self
    }

    /// Returns true if the same call may succeed later without any change: for
    /// [`Unavailable`](Error::Unavailable) and [`Timeout`](Error::Timeout).
    ///
    /// Returns false for [`Indeterminate`](Error::Indeterminate), since that
    /// write may have taken effect, and for [`Fenced`](Error::Fenced), since
    /// that write never will.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Timeout { .. })
    }

    /// Returns true if the write may have taken effect although the call
    /// failed.
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
