//! Whether a request has left, which decides what may have become of it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

const WAITING: u8 = 0;
const LEFT: u8 = 1;
const CANCELLED: u8 = 2;

/// What a request and its body agree on: the connection asks for the body once
/// there is a connection, and without its body no request is done.
///
/// So an attempt that ends while it waits for its turn, for a token or for a
/// connection has certainly done nothing. A connection may be about to ask at
/// that very moment, on another thread: one of the two wins.
#[derive(Clone, Debug, Default)]
pub(super) struct Departure(Arc<AtomicU8>);

impl Departure {
    fn leave(&self) -> bool {
        self.change(LEFT)
    }

    /// Whether the request has not left. Then it never will.
    pub(super) fn cancel(&self) -> bool {
        self.change(CANCELLED)
    }

    fn change(&self, to: u8) -> bool {
        let changed = self.0.compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire);
        changed.map_or_else(|now| now == to, |_| true)
    }

    /// The body of the request.
    pub(super) fn body(&self, bytes: Bytes) -> Departing {
        Departing { bytes, departure: self.clone() }
    }
}

/// A request's body, given out in one piece.
#[derive(Debug)]
pub(super) struct Departing {
    bytes: Bytes,
    departure: Departure,
}

/// The request was given up before it left.
#[derive(Debug)]
pub(super) struct GivenUp;

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request was given up")
    }
}

impl std::error::Error for GivenUp {}

impl Body for Departing {
    type Data = Bytes;
    type Error = GivenUp;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, GivenUp>>> {
        if !self.departure.leave() {
            return Poll::Ready(Some(Err(GivenUp)));
        }
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(body: &mut Departing) -> Poll<Option<Result<Frame<Bytes>, GivenUp>>> {
        Pin::new(body).poll_frame(&mut Context::from_waker(std::task::Waker::noop()))
    }

    #[test]
    fn a_request_that_has_left_cannot_be_cancelled() {
        let departure = Departure::default();
        let mut body = departure.body(Bytes::from_static(b"body"));
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(frame))) if frame.data_ref().is_some()));
        assert!(!departure.cancel());
        assert!(body.is_end_stream() && matches!(poll(&mut body), Poll::Ready(None)));
    }

    #[test]
    fn a_cancelled_request_never_leaves() {
        let departure = Departure::default();
        let mut body = departure.body(Bytes::from_static(b"body"));
        assert!(departure.cancel() && departure.cancel());
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(GivenUp)))));
    }
}
