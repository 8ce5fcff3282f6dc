#![doc = include_str!("../README.md")]

mod clock;
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
