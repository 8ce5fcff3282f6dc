//! Selection of the eviction policy by set duelling.
//!
//! A [`Duel`] runs each policy on a sample of the keys, in shadows that hold no values, and
//! selects the policy with the most hits.

mod contest;
mod duel;
mod shadow;

pub(crate) use duel::Duel;
