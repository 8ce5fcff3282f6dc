//! Write identities.

use std::fmt;

use uuid::Uuid;

/// The identity of a write. A caller that lost the outcome of the write can ask
/// for it by this id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(Uuid);

impl WriteId {
    /// Creates a new identity.
    #[expect(clippy::new_without_default, reason = "two fresh identities are never equal, which a default should be")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// Returns the UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl fmt::Debug for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
