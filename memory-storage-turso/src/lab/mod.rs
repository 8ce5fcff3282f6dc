//! The lab: a libSQL server on loopback, and a proxy that puts a network in
//! front of it, so that the remote path can be tested and measured without an
//! account.

mod clock;
pub mod history;
mod lock;
mod options;
mod proxy;
mod server;
mod whole;

pub use clock::Clock;
pub use options::LabOptions;
pub use proxy::{Close, Counters, Fault, Held, Late, LateAnswer, Point, Proxy, ProxyOptions, Script, Seen};
pub use server::{Server, ServerOptions, Token};
pub use whole::Lab;
