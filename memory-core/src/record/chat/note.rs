//! Notes on what was odd in a chat.

use std::fmt;

/// A note on an imported chat: what did not follow any specification, and how
/// it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChatNote {
    /// The index of the message, from 0.
    pub message: usize,
    /// What became of it.
    pub kind: ChatNoteKind,
    /// What was odd, in words.
    pub reason: String,
}

/// What became of an odd part of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChatNoteKind {
    /// It became part of a step by an assumption, such as the order of answers.
    Repaired,
    /// It is part of no step; the episode keeps it in its `messages`.
    KeptAside,
}

impl fmt::Display for ChatNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ChatNoteKind::Repaired => "repaired",
            ChatNoteKind::KeptAside => "kept aside",
        };
        write!(f, "messages[{}]: {kind}: {}", self.message, self.reason)
    }
}
