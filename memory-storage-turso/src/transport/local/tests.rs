//! What the local transport must never do.

pub(super) fn database_call() {}
