//! Eviction and expiry within one shard.
//!
//! The structure is S3-FIFO (Yang et al., "FIFO queues are all you need for cache
//! eviction", SOSP 2023) with a clock as its main queue. A [`Policy`] sets its parameters.

mod evict;
mod ghosts;
mod policy;
mod queues;
mod random;
mod reap;

pub(crate) use evict::Evictor;
pub(crate) use policy::{POLICIES, POLICY_COUNT, Policy, ghosts};
pub(crate) use queues::Queues;
pub(crate) use random::Random;
pub(crate) use reap::Reaper;
