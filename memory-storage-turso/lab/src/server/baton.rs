//! The ticket that names a stream and its next request.

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use uuid::Uuid;

/// Which stream, and which of its requests is due. The name is random, so a
/// baton cannot be guessed; the number makes every one good for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Baton {
    pub(super) name: Uuid,
    pub(super) sequence: u64,
}

impl Baton {
    pub(super) fn encode(self) -> String {
        let mut bytes = [0; 24];
        bytes[..16].copy_from_slice(self.name.as_bytes());
        bytes[16..].copy_from_slice(&self.sequence.to_be_bytes());
        BASE64_STANDARD_NO_PAD.encode(bytes)
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; 24] = BASE64_STANDARD_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (name, sequence) = bytes.split_at(16);
        Some(Self { name: Uuid::from_slice(name).ok()?, sequence: u64::from_be_bytes(sequence.try_into().ok()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baton_survives_its_encoding() {
        let baton = Baton { name: Uuid::new_v4(), sequence: 7 };
        assert_eq!(Baton::decode(&baton.encode()), Some(baton));
    }

    #[test]
    fn other_texts_are_no_batons() {
        for text in ["", "AAAA", "not base64!", &"A".repeat(64)] {
            assert_eq!(Baton::decode(text), None, "{text}");
        }
    }
}
