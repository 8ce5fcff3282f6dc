#![doc = include_str!("../README.md")]

pub mod codec;
mod error;
mod ext;
mod forward;
mod id;
mod in_memory;
mod json;
mod latency;
mod ledger;
pub mod limits;
mod metadata;
mod query;
mod record;
mod store;
mod timestamp;
mod write;

pub use error::{Cause, Error, Kind, RecordRef, Result};
pub use ext::MemoryStorageExt;
pub use id::{EpisodeId, HeuristicId, Id, PatternId};
pub use in_memory::InMemoryStorage;
pub use latency::Latency;
pub use ledger::{PendingWrite, WriteLedger};
pub use metadata::{Metadata, MetadataValue};
pub use query::field;
pub use query::{
    Access, Counts, Cursor, Direction, Field, FieldDef, FieldName, FieldType, FieldValue, Filter, Order, Page, Path,
    Plan, Position, Query, Scalar, Test, count, select, validate_count,
};
pub use record::Record;
pub use record::chat::{ChatMessage, ChatNote, ChatNoteKind, ImportedChat};
pub use record::episode::{
    Complexity, Episode, ExecutionResult, ExecutionStep, Reflection, RewardScore, TaskContext, TaskOutcome, TaskType,
};
pub use record::heuristic::{Evidence, Heuristic};
pub use record::pattern::{Effectiveness, Pattern, PatternKind};
pub use store::{Health, MemoryStorage, Store};
pub use timestamp::Timestamp;
pub use write::{Changes, WriteBatch, WriteId, Written};
