//! Entries: their memory layout, their lifetimes, and their removal.

mod discarded;
mod hash;
mod life;
mod slot;
mod table;

pub(crate) use discarded::Discarded;
pub(crate) use hash::{short, wide};
pub(crate) use life::Lifetimes;
pub(crate) use slot::{ColdFields, MAX_FREQUENCY, Removed, Slot};
pub(crate) use table::{EntryTable, Occupied};
