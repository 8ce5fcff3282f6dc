//! Notes on irregularities in imported chats.

use std::fmt;

/// A note on an imported chat: a deviation from every known format, and its
/// treatment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChatNote {
    /// The index of the message, from 0.
    pub message: usize,
    /// The treatment.
    pub kind: ChatNoteKind,
    /// The deviation, in words.
    pub reason: String,
}

/// The treatment of an irregular part of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChatNoteKind {
    /// The part became part of a step by an assumption, such as the order of
    /// answers.
    Repaired,
    /// The part belongs to no step; the episode keeps it in `messages`.
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
