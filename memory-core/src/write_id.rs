//! The identity of a write.

use std::fmt;

use uuid::Uuid;

/// The identity of one write, by which its outcome can be asked for later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(Uuid);

impl WriteId {
    /// A fresh identity.
    #[expect(clippy::new_without_default, reason = "two fresh identities are never equal, which a default should be")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The UUID inside.
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
