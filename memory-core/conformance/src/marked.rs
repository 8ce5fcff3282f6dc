//! Markers by which the suite recognises its own records.

use uuid::Uuid;

use memory_core::{Id, Record};

/// The first 48 bits of every id that the suite creates: `memcon` in ASCII.
const MARKER: u128 = 0x6d65_6d63_6f6e;

/// Metadata key that marks the few records whose id cannot carry the marker.
pub(super) const MARKER_KEY: &str = "memory-core conformance";

/// Returns an id with the suite's marker: a version 8 UUID with fixed first
/// bits and `rest` as its last bits.
pub fn marked<R>(rest: u64) -> Id<R> {
    let variant = 0b10 << 62;
    Uuid::from_u128(MARKER << 80 | 0x8 << 76 | variant | u128::from(rest & !(0b11 << 62))).into()
}

/// Returns true if the suite created the record. The marker is in the id or,
/// for the nil and the max id, in the metadata.
pub fn is_marked<R: Record>(record: &R) -> bool {
    let uuid = record.id().uuid();
    if uuid.is_nil() || uuid.is_max() {
        return record.metadata().get(MARKER_KEY).is_some();
    }
    uuid.as_u128() >> 80 == MARKER && uuid.get_version_num() == 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use memory_core::Heuristic;

    #[test]
    fn marked_ids_are_distinct_ordered_and_recognised() {
        let ids: Vec<Id<Heuristic>> = [0, 1, 2, 1 << 40, (1 << 62) - 1].into_iter().map(marked).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        for id in ids {
            let mut heuristic = Heuristic::new("", "", 0.0);
            assert!(!is_marked(&heuristic));
            heuristic.id = id;
            assert!(is_marked(&heuristic), "{id}");
        }
    }

    #[test]
    fn a_nil_id_alone_is_not_the_suites() {
        let mut heuristic = Heuristic::new("", "", 0.0);
        heuristic.id = Uuid::nil().into();
        assert!(!is_marked(&heuristic));
        heuristic.metadata.insert(MARKER_KEY, true);
        assert!(is_marked(&heuristic));
    }
}
