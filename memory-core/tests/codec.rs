//! Round trips through JSON and the binary codec, and detection of damage.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests call for no part of them")]

use memory_conformance::strategy::{self, Generate};
use memory_core::{Episode, Error, Heuristic, Pattern, Record, codec};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Compares by JSON, which distinguishes `-0.0` from `0.0` and `1` from `1.0`.
fn json<R: Record>(record: &R) -> String {
    serde_json::to_string(record).unwrap()
}

fn survives<R: Record>(record: &R) -> Result<(), TestCaseError> {
    record.validate()?;
    let text = json(record);
    let from_json: R = serde_json::from_str(&text).unwrap();
    prop_assert_eq!(&from_json, record);
    prop_assert_eq!(json(&from_json), &*text);
    // The same holds through a tree of values, as SQL functions return them.
    let from_value: R = serde_json::from_value(serde_json::to_value(record).unwrap()).unwrap();
    prop_assert_eq!(json(&from_value), &*text);

    let bytes = codec::encode(record)?;
    let decoded: R = codec::decode(&bytes)?;
    prop_assert_eq!(&decoded, record);
    prop_assert_eq!(json(&decoded), text);
    prop_assert_eq!(codec::encode(&decoded)?, bytes);
    Ok(())
}

proptest! {
    #[test]
    fn any_episode_survives_json_and_the_codec(episode in strategy::episode()) {
        survives(&episode)?;
    }

    #[test]
    fn any_pattern_survives_json_and_the_codec(pattern in strategy::pattern()) {
        survives(&pattern)?;
    }

    #[test]
    fn any_heuristic_survives_json_and_the_codec(heuristic in strategy::heuristic()) {
        survives(&heuristic)?;
    }

    #[test]
    fn any_bytes_decode_to_an_error_and_not_to_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(codec::decode::<Episode>(&bytes).is_err());
    }
}

/// Returns generated records, the same ones on every run.
fn some<R: Generate>() -> Vec<R> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = strategy::records::<R>(6..7);
    strategy.new_tree(&mut runner).unwrap().current()
}

fn is_refused<R: Record>(bytes: &[u8], what: &str) {
    match codec::decode::<R>(bytes) {
        Err(Error::Corrupt { .. } | Error::Unsupported { .. }) => {}
        other => panic!("{what}: {other:?}"),
    }
}

fn damage_is_noticed<R: Generate>() {
    for record in some::<R>() {
        let mut bytes = codec::encode(&record).unwrap();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            is_refused::<R>(&bytes, &format!("bit {bit} flipped"));
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for len in 0..bytes.len() {
            is_refused::<R>(&bytes[..len], &format!("cut to {len} bytes"));
        }
        bytes.push(0);
        is_refused::<R>(&bytes, "a byte too many");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    damage_is_noticed::<Episode>();
    damage_is_noticed::<Pattern>();
    damage_is_noticed::<Heuristic>();
}

#[test]
fn bytes_of_another_version_are_unsupported() {
    let mut bytes = codec::encode(&Heuristic::new("a form posts twice", "look for a missing key", 0.8)).unwrap();
    bytes[0] += 1;
    let error = codec::decode::<Heuristic>(&bytes).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("version 2"), "{error}");
}

/// A length beyond the end of the bytes must not be trusted.
#[test]
fn a_huge_length_with_a_valid_checksum_is_refused() {
    let mut body = vec![16; 16];
    body.push(253);
    body.extend(u64::MAX.to_le_bytes());
    let mut bytes = vec![1];
    bytes.extend(crc32(&body).to_le_bytes());
    bytes.extend(body);
    is_refused::<Heuristic>(&bytes, "a huge length");
}

/// Computes the CRC-32 of IEEE 802.3, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}
