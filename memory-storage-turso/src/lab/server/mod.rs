//! A libSQL server: Hrana 3 over HTTP, on loopback, over a real database file.
//!
//! It follows libSQL's own server (`sqld`) down to the wording of errors, which
//! clients are known to read, and where that server departs from the protocol:
//!
//! - rows are sent even where `want_rows` is false;
//! - the condition `error` holds for a step that was skipped;
//! - a step's error names SQLite's primary result code only;
//! - a transaction is ended after five seconds only if another writer waits;
//! - of statements SQLite would run, some are refused: `VACUUM`, `ANALYZE`,
//!   most pragmas that set something, whatever is temporary.
//!
//! Where it differs from that server:
//!
//! - one database, without namespaces, so no `ATTACH`; one token, which may do
//!   everything; no replication, so `replication_index` is always null;
//! - JSON only: no Protobuf, no WebSocket, no `/v1`;
//! - answers are compressed with gzip only, and those of a cursor not at all;
//! - nothing is throttled: a client waits for a writer, never for a connection;
//! - batons are random names and not signed ones.
//!
//! SQLite runs through `libsql-rusqlite`, the binding that the server uses
//! itself, over the same library that the `libsql` crate is linked with. That
//! crate alone would not do: it cuts a text off at its first NUL, and does not
//! tell whether a statement writes, nor how many rows it read.

mod arguments;
mod baton;
mod body;
mod budget;
mod collect;
mod cursor;
mod database;
mod failure;
mod http;
mod lane;
mod listen;
mod options;
mod pipeline;
mod program;
mod run;
mod statement;
mod stream;
mod token;

pub use listen::Server;
pub use options::ServerOptions;
pub use token::Token;

use budget::Budget;
use stream::Streams;

/// What every request has in common.
#[derive(Debug)]
struct State {
    token: Option<Token>,
    streams: Streams,
    budget: Budget,
}
