//! Traces from files.

use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Result;
use flate2::read::MultiGzDecoder;

use super::Trace;
use crate::InputError;

/// Requests read at most: longer traces are cut off here.
const MOST: usize = 4_000_000;

impl Trace {
    /// A trace: one key a line, whatever it looks like; or, where the name ends
    /// in `.lis`, runs of blocks in the format of the ARC authors (the first
    /// block, their number, and what is ignored). Either may be packed by gzip.
    ///
    /// # Errors
    ///
    /// [`InputError`], which names the file and the line.
    pub fn read(path: &Path) -> Result<Self> {
        let refuse = |reason: String| InputError::new(format!("{}: {reason}", path.display()));
        let file = File::open(path).map_err(|error| refuse(error.to_string()))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (name, packed) = name.strip_suffix(".gz").map_or((name.as_str(), false), |name| (name, true));
        let reader: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let is_lis = Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("lis"));
        let requests = requests(BufReader::new(reader), is_lis).map_err(refuse)?;
        let stem = Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Trace::new(stem, requests, &[]))
    }
}

fn requests(lines: impl BufRead, is_lis: bool) -> Result<Vec<u64>, String> {
    let mut requests = Vec::new();
    for (line, number) in lines.lines().zip(1..) {
        let line = line.map_err(|error| format!("line {number}: {error}"))?;
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if is_lis {
            let mut fields = line.split_whitespace().map(str::parse::<u64>);
            let (Some(Ok(first)), Some(Ok(count))) = (fields.next(), fields.next()) else {
                return Err(format!("line {number}: not the first block of a run and their number"));
            };
            // A run may be longer than what is wanted of it.
            requests.extend((first..first.saturating_add(count)).take(MOST - requests.len()));
        } else {
            requests.push(number_of(line));
        }
        if requests.len() >= MOST {
            break;
        }
    }
    if requests.is_empty() { Err("no requests in it".to_owned()) } else { Ok(requests) }
}

/// A key's number: itself, if it is one, or its hash.
fn number_of(key: &str) -> u64 {
    key.parse().unwrap_or_else(|_| {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        hasher.finish()
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn keys_of_any_kind_plain_or_packed_are_numbered_as_they_appear() {
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("web.txt");
        std::fs::write(&plain, "7\nb\n\n7\n-1\nb\n").unwrap();
        let trace = Trace::read(&plain).unwrap();
        assert_eq!((trace.name.as_str(), trace.requests), ("web", vec![0, 1, 0, 2, 1]));

        let packed = folder.path().join("web.txt.gz");
        let mut file = flate2::write::GzEncoder::new(File::create(&packed).unwrap(), flate2::Compression::fast());
        file.write_all(b"x\ny\nx\n").unwrap();
        file.finish().unwrap();
        assert_eq!(Trace::read(&packed).unwrap().requests, [0, 1, 0]);
    }

    #[test]
    fn runs_of_blocks_are_unrolled() {
        assert_eq!(requests(&b"10 3 0 0\n11 1 0 1\n"[..], true).unwrap(), [10, 11, 12, 11]);
        assert_eq!(requests(&b"0 18446744073709551615 0 0\n"[..], true).unwrap().len(), MOST);
    }

    #[test]
    fn what_is_no_trace_is_refused_by_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.lis");
        std::fs::write(&path, "1 2 0 0\n1 x\n").unwrap();
        let error = Trace::read(&path).unwrap_err().to_string();
        assert!(error.contains("p.lis: line 2"), "{error}");
        std::fs::write(&path, "\n").unwrap();
        assert!(Trace::read(&path).unwrap_err().to_string().contains("no requests"));
        assert!(Trace::read(&folder.path().join("missing")).is_err());
    }
}
