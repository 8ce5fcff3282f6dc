//! A proxy that delays, counts, and makes trouble by script.

mod answer;
mod chunk;
mod counters;
mod exchange;
mod fault;
mod head;
mod line;
mod link;
mod listen;
mod message;
mod options;
mod script;
mod tunnel;
mod upstream;

pub use counters::Counters;
pub use fault::{Close, Fault, Late, Point};
pub use line::LateAnswer;
pub use listen::{Held, Proxy};
pub use options::ProxyOptions;
pub use script::{Script, Seen};
