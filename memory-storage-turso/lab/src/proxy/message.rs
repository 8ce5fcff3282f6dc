//! HTTP/1.1 messages, read to their end and otherwise left alone.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::chunk::{next_chunk, unchunk};
use super::head::{Expect, Framing, Head};

/// A head of more than this is not HTTP that the proxy understands.
const MAX_HEAD: usize = 64 * 1024;

/// A request or response, byte for byte as it came.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) raw: Vec<u8>,
    pub(super) head: Head,
    body: Range<usize>,
}

/// Reads messages off a connection.
#[derive(Debug)]
pub(super) struct Reader<R> {
    source: R,
    buffer: Vec<u8>,
}

impl Message {
    /// The body, chunks put together.
    pub(super) fn content(&self) -> Cow<'_, [u8]> {
        let body = &self.raw[self.body.clone()];
        if self.head.framing == Framing::Chunked { Cow::Owned(unchunk(body)) } else { Cow::Borrowed(body) }
    }

    pub(super) fn head_len(&self) -> usize {
        self.body.start
    }

    /// Whether the connection ends with this message.
    pub(super) fn closes(&self) -> bool {
        self.head.closes || self.head.framing == Framing::UntilClose
    }

    /// The request, without the header that asks for a compressed answer.
    pub(super) fn plain(&self) -> Vec<u8> {
        let (head, body) = self.raw.split_at(self.body.start);
        let mut plain = Vec::with_capacity(self.raw.len());
        for line in head.split_inclusive(|byte| *byte == b'\n') {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            if !name.eq_ignore_ascii_case(b"accept-encoding") {
                plain.extend_from_slice(line);
            }
        }
        plain.extend_from_slice(body);
        plain
    }
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, buffer: Vec::new() }
    }

    /// Whether what comes looks like HTTP/1.1; `None` at the end of the stream.
    pub(super) async fn is_http(&mut self) -> io::Result<Option<bool>> {
        const HTTP2: &[u8] = b"PRI * HTTP/2";
        while self.buffer.len() < HTTP2.len() {
            let so_far = self.buffer.first().is_none_or(u8::is_ascii_uppercase);
            if !so_far {
                return Ok(Some(false));
            }
            if self.fill().await? == 0 {
                return Ok(if self.buffer.is_empty() { None } else { Some(true) });
            }
        }
        Ok(Some(!self.buffer.starts_with(HTTP2)))
    }

    /// The next message; `None` where the stream ends before it.
    pub(super) async fn next(&mut self, expect: Expect) -> io::Result<Option<Message>> {
        let (head, head_len) = loop {
            if let Some(parsed) = Head::parse(&self.buffer, expect)? {
                break parsed;
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the head is too long"));
            }
            if self.fill().await? == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        };
        let end = self.body_end(head.framing, head_len).await?;
        let rest = self.buffer.split_off(end);
        let raw = std::mem::replace(&mut self.buffer, rest);
        Ok(Some(Message { raw, head, body: head_len..end }))
    }

    async fn body_end(&mut self, framing: Framing, start: usize) -> io::Result<usize> {
        match framing {
            Framing::None => Ok(start),
            Framing::Length(length) => {
                while self.buffer.len() < start + length {
                    self.fill_body().await?;
                }
                Ok(start + length)
            }
            Framing::UntilClose => {
                while self.fill().await? > 0 {}
                Ok(self.buffer.len())
            }
            Framing::Chunked => {
                let mut at = start;
                loop {
                    match next_chunk(&self.buffer, at)? {
                        Some((_, end, true)) => return Ok(end),
                        Some((_, end, false)) => at = end,
                        None => self.fill_body().await?,
                    }
                }
            }
        }
    }

    async fn fill_body(&mut self) -> io::Result<()> {
        if self.fill().await? == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(16 * 1024);
        self.source.read_buf(&mut self.buffer).await
    }

    /// Takes what was read and not used.
    pub(super) fn into_parts(self) -> (R, Vec<u8>) {
        (self.source, self.buffer)
    }

    /// Waits for the other side to close, whatever it sends until then.
    pub(super) async fn closed(&mut self) {
        while self.fill().await.is_ok_and(|read| read > 0) {
            self.buffer.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8], expect: Expect) -> Vec<Message> {
        // A byte at a time, since messages do not come in one piece.
        let mut reader = Reader::new(tokio_test_source(bytes));
        let mut messages = Vec::new();
        while let Some(message) = reader.next(expect).await.unwrap() {
            messages.push(message);
        }
        messages
    }

    fn tokio_test_source(bytes: &[u8]) -> impl AsyncRead + Unpin {
        let (mut writer, reader) = tokio::io::duplex(1);
        let bytes = bytes.to_vec();
        tokio::spawn(async move { tokio::io::AsyncWriteExt::write_all(&mut writer, &bytes).await });
        reader
    }

    #[tokio::test]
    async fn messages_are_told_apart_by_their_framing() {
        let bytes = b"POST /a HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc\
            GET /b HTTP/1.1\r\nConnection: Close\r\n\r\n\
            POST /c HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nde\r\n1;x=y\r\nf\r\n0\r\nt: r\r\n\r\n";
        let messages = read(bytes, Expect::Request).await;
        let seen: Vec<_> =
            messages.iter().map(|message| (message.head.path.as_str(), message.content(), message.closes())).collect();
        let expected: [(&str, Cow<'_, [u8]>, bool); 3] =
            [("/a", b"abc".into(), false), ("/b", b"".into(), true), ("/c", b"def".into(), false)];
        assert_eq!(seen, expected);
        let raw: Vec<u8> = messages.into_iter().flat_map(|message| message.raw).collect();
        assert_eq!(raw, bytes);
    }

    #[tokio::test]
    async fn an_answer_without_a_length_ends_with_the_connection() {
        let messages = read(b"HTTP/1.1 200 OK\r\n\r\nall of it", Expect::Response { to_head: false }).await;
        assert_eq!(messages[0].content().as_ref(), b"all of it");
        assert!(messages[0].closes());
    }

    #[tokio::test]
    async fn a_plain_request_differs_only_in_what_it_accepts() {
        let bytes = b"POST / HTTP/1.1\r\nhost: gzip, br\r\nAccept-Encoding: gzip\r\ncontent-length: 1\r\n\r\nx";
        let messages = read(bytes, Expect::Request).await;
        let expected = b"POST / HTTP/1.1\r\nhost: gzip, br\r\ncontent-length: 1\r\n\r\nx";
        assert_eq!(messages[0].plain(), expected);
    }

    #[tokio::test]
    async fn other_protocols_are_recognised() {
        for (bytes, http) in [
            (&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], Some(false)),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00", Some(false)),
            (b"POST /v3/pipeline HTTP/1.1\r\n", Some(true)),
            (b"", None),
        ] {
            assert_eq!(Reader::new(tokio_test_source(bytes)).is_http().await.unwrap(), http);
        }
    }
}
