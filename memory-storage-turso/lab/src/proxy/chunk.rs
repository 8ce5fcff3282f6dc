//! Bodies whose length is not known beforehand.

use std::io;
use std::ops::Range;

/// The chunk at `at`: where its data is, where it ends, and whether it is the last.
pub(super) fn next_chunk(buffer: &[u8], at: usize) -> io::Result<Option<(Range<usize>, usize, bool)>> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "a chunk without a size");
    let Ok(parsed) = httparse::parse_chunk_size(&buffer[at..]) else {
        return Err(invalid());
    };
    let httparse::Status::Complete((line, size)) = parsed else {
        return Ok(None);
    };
    let start = at + line;
    let size = usize::try_from(size).map_err(|_| invalid())?;
    if size > 0 {
        let end = start + size + 2;
        return Ok((buffer.len() >= end).then_some((start..start + size, end, false)));
    }
    // After the last chunk come trailers, and an empty line.
    let mut line = start;
    while let Some(length) = buffer[line..].windows(2).position(|pair| pair == b"\r\n") {
        if length == 0 {
            return Ok(Some((start..start, line + 2, true)));
        }
        line += length + 2;
    }
    Ok(None)
}

/// The chunks of a body, put together.
pub(super) fn unchunk(body: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(body.len());
    let mut at = 0;
    while let Ok(Some((data, end, last))) = next_chunk(body, at) {
        content.extend_from_slice(&body[data]);
        if last {
            break;
        }
        at = end;
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_put_together_without_sizes_extensions_and_trailers() {
        let body = b"2\r\nab\r\nA;x=y\r\n0123456789\r\n0\r\ntrailer: z\r\n\r\n";
        assert_eq!(unchunk(body), b"ab0123456789");
    }

    #[test]
    fn a_chunk_is_known_by_its_end() {
        let body = b"2\r\nab\r\n0\r\n\r\nrest";
        for incomplete in 0..7 {
            assert_eq!(next_chunk(&body[..incomplete], 0).unwrap(), None, "{incomplete}");
        }
        assert_eq!(next_chunk(body, 0).unwrap(), Some((3..5, 7, false)));
        assert_eq!(next_chunk(body, 7).unwrap(), Some((10..10, 12, true)));
        assert!(next_chunk(b"no size\r\n", 0).is_err());
    }
}
