//! Export and import of records as JSON lines.
//!
//! The first line is `{"header":{"version":1}}`. One line for each record
//! follows: `{"episode":…}`, `{"pattern":…}` or `{"heuristic":…}`. The last
//! line is `{"end":{"records":…}}` with the number of records, by which a
//! truncated file is recognised.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> memory_core::Result<()> {
//! use memory_core::{Heuristic, InMemoryStorage, MemoryStorageExt, transfer};
//!
//! let (old, new) = (InMemoryStorage::new(), InMemoryStorage::new());
//! let heuristic = Heuristic::new("a form posts twice", "look for a missing key", 0.8);
//! old.store_heuristic(&heuristic).await?;
//!
//! let mut lines = Vec::new();
//! transfer::export(&old, &mut lines).await?;
//! transfer::import(&new, &lines[..], 0, |_| ()).await?;
//! assert_eq!(*new.get_heuristic(heuristic.id).await?.unwrap(), heuristic);
//! # Ok(())
//! # }
//! ```

use std::io::{BufRead, Read, Write};

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::{Episode, Error, Heuristic, MemoryStorage, Pattern, Query, Record, Store, WriteBatch};

/// Version of the format that this library writes and reads.
pub const VERSION: u32 = 1;

/// Number of records on a page that is read, and maximum number in a batch that
/// is written.
const RECORDS: usize = 64;
/// Bytes of lines that complete a batch, whatever its number of records.
const BATCH: usize = 4 << 20;
/// Maximum length of a line, in bytes: far more than the JSON of any valid
/// record.
const MAX_LINE: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Mark {
    Header { version: u32 },
    End { records: u64 },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Header { version: u32 },
    Episode(Box<Episode>),
    Pattern(Box<Pattern>),
    Heuristic(Box<Heuristic>),
    End { records: u64 },
}

/// Writes every record of a storage as JSON lines, oldest first within each
/// kind, and returns the number of records.
///
/// # Behaviour
///
/// - At most 64 records are held in memory at a time.
/// - Records that exist during the whole export are written exactly once,
///   whatever is added, changed or deleted meanwhile. The export is not a
///   snapshot: concurrent writes may be included or not.
/// - Writing to `out` blocks the caller's thread.
///
/// # Errors
///
/// Those of [`Store::query`], and [`Error::Backend`] if writing to `out` fails.
pub async fn export<S: MemoryStorage + ?Sized, W: Write>(storage: &S, mut out: W) -> Result<u64> {
    line(&mut out, &Mark::Header { version: VERSION })?;
    let records = export_kind::<Episode, S, W>(storage, &mut out).await?
        + export_kind::<Pattern, S, W>(storage, &mut out).await?
        + export_kind::<Heuristic, S, W>(storage, &mut out).await?;
    line(&mut out, &Mark::End { records })?;
    out.flush().map_err(unwritten)?;
    Ok(records)
}

async fn export_kind<R: Record, S: Store<R> + ?Sized, W: Write>(storage: &S, out: &mut W) -> Result<u64> {
    let mut query = Query::<R>::new().oldest_first().limit(RECORDS);
    let mut records = 0;
    loop {
        let page = storage.query(&query).await?;
        for record in &page.records {
            write!(out, "{{\"{}\":", R::KIND).map_err(unwritten)?;
            serde_json::to_writer(&mut *out, &**record).map_err(|error| unwritten(error.into()))?;
            out.write_all(b"}\n").map_err(unwritten)?;
            records += 1;
        }
        if page.next.is_none() {
            return Ok(records);
        }
        query = query.after(page.next);
    }
}

fn line<W: Write>(out: &mut W, mark: &Mark) -> Result<()> {
    serde_json::to_writer(&mut *out, mark).map_err(|error| unwritten(error.into()))?;
    out.write_all(b"\n").map_err(unwritten)
}

fn unwritten(error: std::io::Error) -> Error {
    Error::backend("file", "write an export", error)
}

/// Stores every record of an export, and returns the number of records in it.
/// Each replaces the stored record with its id.
///
/// # Behaviour
///
/// - Records are written in batches of at most 64 records or about 4 MiB. Each
///   batch is stored completely or not at all. Only one batch is held in
///   memory.
/// - After every batch, `stored` is called with the number of records of the
///   export that are stored. To continue an interrupted import, pass that
///   number as `skip`. Storing a record twice does no harm.
/// - Reading from `input` blocks the caller's thread.
///
/// # Errors
///
/// Those of [`MemoryStorage::commit`]. [`Error::Unsupported`] for an export of
/// a later version. [`Error::Corrupt`], naming the line, for any other text and
/// for a truncated export. [`Error::Backend`] if reading from `input` fails.
/// Records that were stored before the failure stay stored.
pub async fn import<S: MemoryStorage + ?Sized, B: BufRead>(
    storage: &S,
    mut input: B,
    skip: u64,
    mut stored: impl FnMut(u64),
) -> Result<u64> {
    match read(&mut input, 1)? {
        Some((Line::Header { version: VERSION }, _)) => {}
        Some((Line::Header { version }, _)) => {
            let reason = format!("it has version {version}; this library reads version {VERSION}; use a newer library");
            return Err(Error::unsupported("import", reason));
        }
        _ => return Err(Error::corrupt("an export: line 1 is not a header")),
    }
    let (mut batch, mut bytes, mut records) = (WriteBatch::new(), 0, 0);
    loop {
        let number = records + 2;
        let found = read(&mut input, number)?;
        let ends = !matches!(found, Some((Line::Episode(_) | Line::Pattern(_) | Line::Heuristic(_), _)));
        let next = found.as_ref().map_or(0, |(_, len)| *len);
        if (ends || batch.len() == RECORDS || bytes + next > BATCH) && !batch.is_empty() {
            storage.commit(&batch).await?;
            stored(records);
            (batch, bytes) = (WriteBatch::new(), 0);
        }
        let Some((line, len)) = found else {
            return Err(Error::corrupt(format!("an export: it is cut short after {records} records")));
        };
        let wanted = records >= skip;
        match line {
            Line::Episode(record) if wanted => drop(batch.put(*record)),
            Line::Pattern(record) if wanted => drop(batch.put(*record)),
            Line::Heuristic(record) if wanted => drop(batch.put(*record)),
            Line::Episode(_) | Line::Pattern(_) | Line::Heuristic(_) => {}
            Line::End { records: said } if said == records => {
                return match read(&mut input, number + 1)? {
                    None => Ok(records),
                    Some(_) => Err(Error::corrupt(format!("an export: line {} follows its end", number + 1))),
                };
            }
            Line::End { records: said } => {
                let what = format!("an export: it has {records} records; its last line says {said}");
                return Err(Error::corrupt(what));
            }
            Line::Header { .. } => {
                return Err(Error::corrupt(format!("an export: line {number} is a second header")));
            }
        }
        bytes += len;
        records += 1;
    }
}

/// Reads the next line, and returns it with its length in bytes.
fn read<B: BufRead>(input: &mut B, number: u64) -> Result<Option<(Line, usize)>> {
    let mut text = Vec::new();
    let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut text);
    read.map_err(|error| Error::backend("file", "read an export", error))?;
    match text.last() {
        None => Ok(None),
        // A truncated line may still be valid JSON.
        Some(last) if *last != b'\n' => {
            let how = if text.len() as u64 == MAX_LINE { "is too long" } else { "is cut short" };
            Err(Error::corrupt(format!("an export: line {number} {how}")))
        }
        Some(_) => match serde_json::from_slice(&text) {
            Ok(line) => Ok(Some((line, text.len()))),
            Err(error) => Err(Error::corrupt(format!("an export: line {number} cannot be read: {error}"))),
        },
    }
}
