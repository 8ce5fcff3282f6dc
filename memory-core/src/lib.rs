#![doc = include_str!("../README.md")]

pub mod backend;
pub mod codec;
mod error;
mod ext;
mod fields;
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
pub mod transfer;
mod write;
mod write_id;

pub use error::{Cause, Error, Kind, RecordRef, Result};
pub use ext::MemoryStorageExt;
pub use id::Id;
pub use in_memory::InMemoryStorage;
pub use latency::Latency;
pub use metadata::{Metadata, MetadataValue};
pub use query::field;
pub use query::{Access, Counts, Cursor, Direction, Field, Filter, Order, Page, Plan, Query};
pub use record::chat::{ChatMessage, ChatNote, ChatNoteKind, ImportedChat};
pub use record::episode::{
    Complexity, Episode, ExecutionResult, ExecutionStep, Reflection, RewardScore, TaskContext, TaskOutcome, TaskType,
};
pub use record::heuristic::{Evidence, Heuristic};
pub use record::pattern::{Effectiveness, Pattern, PatternKind};
pub use record::{EpisodeId, HeuristicId, PatternId, Record};
pub use store::{Health, MemoryStorage, Store};
pub use timestamp::Timestamp;
pub use write::{WriteBatch, Written};
pub use write_id::WriteId;
