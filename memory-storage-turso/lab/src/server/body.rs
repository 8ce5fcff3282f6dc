//! Bodies of answers: all at once, or line by line.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use hyper::{Response, StatusCode};
use tokio::sync::mpsc;

use super::failure::Failure;

/// Shorter answers are not worth compressing.
const COMPRESS_FROM: usize = 33;

#[derive(Debug)]
pub(super) enum Body {
    Whole(Bytes),
    Lines(mpsc::Receiver<Result<Bytes, Failure>>),
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Lines(lines) => lines.poll_recv(cx).map(|line| {
                // An error in mid-answer breaks the connection off; there is no status left to tell it by.
                line.map(|line| line.map(Frame::data).map_err(|failure| io::Error::other(format!("{failure:?}"))))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Lines(_) => SizeHint::default(),
        }
    }
}

pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Whole(Bytes::new()));
    *response.status_mut() = status;
    response
}

pub(super) fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    typed(status, "text/plain", Body::Whole(text.into()))
}

pub(super) fn json(status: StatusCode, encoded: Vec<u8>) -> Response<Body> {
    typed(status, "application/json", Body::Whole(encoded.into()))
}

pub(super) fn lines(lines: mpsc::Receiver<Result<Bytes, Failure>>) -> Response<Body> {
    typed(StatusCode::OK, "text/plain", Body::Lines(lines))
}

fn typed(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Compresses an answer that is whole and not too short. Lines are sent as they are.
pub(super) fn compress(mut response: Response<Body>) -> Response<Body> {
    let Body::Whole(bytes) = response.body() else {
        return response;
    };
    if bytes.len() < COMPRESS_FROM {
        return response;
    }
    // The usual level takes four times as long, on cores that whoever measures shares with the server.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let compressed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    if let Ok(compressed) = compressed {
        *response.body_mut() = Body::Whole(compressed.into());
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}
