//! Clients of a server, what they store there and ask for, and the ways to it:
//! what the sections that measure a network have in common.

mod address;
mod input;
mod libsql_remote;
mod ours;
mod place;
mod player;
mod scaling;
mod scene;
mod serverless;
mod sql;
mod system;

pub use address::ServerAddress;
pub(crate) use input::{Input, MOST, PageOf, patterns};
pub(crate) use libsql_remote::{Cached, NewConnection, Warm, connect};
pub(crate) use ours::{Ours, builder};
pub(crate) use place::{Place, Route};
pub(crate) use player::Player;
pub(crate) use scaling::{scale, scaled};
pub(crate) use scene::{Scene, ids, in_order, same};
pub(crate) use serverless::Serverless;
pub(crate) use system::{Episodes, System};

/// This project's storages.
pub(crate) const OURS: &str = "ours";
/// What everybody is compared with: a connection for each operation.
pub(crate) const BASELINE: &str = "libsql-new-connection";
