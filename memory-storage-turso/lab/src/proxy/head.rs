//! The head of an HTTP/1.1 message, as far as the proxy has to understand it.

use std::io;

const MAX_HEADERS: usize = 100;

/// What the proxy has to know of a message.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// The method, or of a response the status.
    pub(super) first: String,
    /// The path of a request.
    pub(super) path: String,
    pub(super) content_type: Option<String>,
    /// Whether it asks for the connection to be closed.
    pub(super) closes: bool,
    pub(super) framing: Framing,
}

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Length(usize),
    Chunked,
    UntilClose,
}

/// Which kind of message is to come.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expect {
    Request,
    /// To a request of this method, since a HEAD has no body in its answer.
    Response {
        to_head: bool,
    },
}

impl Head {
    /// The head at the start of `buffer`, and its length, once it is complete.
    pub(super) fn parse(buffer: &[u8], expect: Expect) -> io::Result<Option<(Self, usize)>> {
        let invalid = |cause| io::Error::new(io::ErrorKind::InvalidData, cause);
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let (status, first, path) = match expect {
            Expect::Request => {
                let mut request = httparse::Request::new(&mut headers);
                let status = request.parse(buffer).map_err(invalid)?;
                (status, request.method.unwrap_or_default().to_owned(), request.path.unwrap_or_default().to_owned())
            }
            Expect::Response { .. } => {
                let mut response = httparse::Response::new(&mut headers);
                let status = response.parse(buffer).map_err(invalid)?;
                (status, response.code.unwrap_or_default().to_string(), String::new())
            }
        };
        let httparse::Status::Complete(length) = status else {
            return Ok(None);
        };
        let no_body = match expect {
            Expect::Request => false,
            Expect::Response { to_head } => to_head || first.starts_with('1') || first == "204" || first == "304",
        };
        let text = |name: &str| {
            let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
            Some(String::from_utf8_lossy(header.value).into_owned())
        };
        let says = |name: &str, word: &str| text(name).is_some_and(|value| value.to_ascii_lowercase().contains(word));
        let framing = if no_body {
            Framing::None
        } else if says("transfer-encoding", "chunked") {
            Framing::Chunked
        } else if let Some(length) = text("content-length").and_then(|length| length.trim().parse().ok()) {
            Framing::Length(length)
        } else if matches!(expect, Expect::Request) {
            Framing::None
        } else {
            Framing::UntilClose
        };
        let closes = says("connection", "close");
        let head = Self { first, path, content_type: text("content-type"), closes, framing };
        Ok(Some((head, length)))
    }
}
