//! The operations that are told apart, and how they end.

use memory_core::Error;
use tracing::{Span, field};

/// Something that is asked of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Put,
    Get,
    Delete,
    Commit,
    Query,
    Count,
    Explain,
    Settle,
    Health,
    Connect,
    InitializeSchema,
    EnsureMetadataIndex,
}

impl Operation {
    pub(crate) const ALL: [Self; 12] = [
        Self::Put,
        Self::Get,
        Self::Delete,
        Self::Commit,
        Self::Query,
        Self::Count,
        Self::Explain,
        Self::Settle,
        Self::Health,
        Self::Connect,
        Self::InitializeSchema,
        Self::EnsureMetadataIndex,
    ];

    /// Its name in figures.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Get => "get",
            Self::Delete => "delete",
            Self::Commit => "commit",
            Self::Query => "query",
            Self::Count => "count",
            Self::Explain => "explain",
            Self::Settle => "settle",
            Self::Health => "health",
            Self::Connect => "connect",
            Self::InitializeSchema => "initialize_schema",
            Self::EnsureMetadataIndex => "ensure_metadata_index",
        }
    }

    /// Its name in errors.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::InitializeSchema => "initialize the schema",
            Self::EnsureMetadataIndex => "create metadata indexes",
            named => named.name(),
        }
    }

    /// Its span, with what is known before it begins.
    pub(super) fn span(self, kind: Option<&'static str>, count: usize, transport: &'static str) -> Span {
        macro_rules! spans {
            ($($operation:ident = $name:literal),*) => {
                match self {
                    $(Self::$operation => tracing::debug_span!(
                        $name,
                        kind,
                        count,
                        transport,
                        round_trips = field::Empty,
                        outcome = field::Empty,
                    ),)*
                }
            };
        }
        spans!(
            Put = "put",
            Get = "get",
            Delete = "delete",
            Commit = "commit",
            Query = "query",
            Count = "count",
            Explain = "explain",
            Settle = "settle",
            Health = "health",
            Connect = "connect",
            InitializeSchema = "initialize_schema",
            EnsureMetadataIndex = "ensure_metadata_index"
        )
    }
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Succeeded,
    Failed,
    /// Its future was dropped.
    Cancelled,
}

/// What sort of failure an error is. An error's own text may hold what a record
/// or a server says, and is not for spans.
pub(crate) const fn error_kind(error: &Error) -> &'static str {
    match error {
        Error::InvalidInput { .. } => "invalid_input",
        Error::Corrupt { .. } => "corrupt",
        Error::Unavailable { .. } => "unavailable",
        Error::Misconfigured { .. } => "misconfigured",
        Error::Timeout { .. } => "timeout",
        Error::Unauthorized { .. } => "unauthorized",
        Error::Unsupported { .. } => "unsupported",
        Error::Indeterminate { .. } => "indeterminate",
        Error::Fenced { .. } => "fenced",
        Error::Backend { .. } => "backend",
        _ => "other",
    }
}
