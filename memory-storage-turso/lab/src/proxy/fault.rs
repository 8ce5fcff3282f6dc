//! What can befall a request.

use std::time::Duration;

/// Something that goes wrong with one request.
///
/// A fault says three things: whether the request reaches the server, what is
/// answered, and how the answer ends. The constructors below are the usual
/// combinations; [`applied`](Fault::applied), [`unapplied`](Fault::unapplied)
/// and the rest change one of the three.
///
/// ```
/// use memory_lab::{Fault, Point};
///
/// // The server did it, and the client will never know.
/// let ambiguous = Fault::answer_lost();
/// // The same, seen from a client that has to wait for its own timeout.
/// let silent = Fault::hang(Point::BeforeHead).applied();
/// # let _ = (ambiguous, silent);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub(super) delivery: Delivery,
    pub(super) answer: Answer,
    pub(super) ending: Ending,
}

/// Whether the server gets to see the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Now,
    Never,
    Late(Late),
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// What the server says.
    Real,
    /// What the server says, changed.
    Edited(Edit),
    /// Something made up.
    Made { status: u16, retry_after: Option<u64>, content_type: &'static str, body: Vec<u8> },
    /// So many bytes of nothing.
    Giant(u64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    /// Half of it, with a length that says so.
    Truncate,
    /// With this `base_url`.
    BaseUrl(String),
    /// With bytes in it that are not UTF-8.
    NotUtf8,
}

/// How the answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    Refused,
    Hang(Point),
    Cut(Point, Close),
    Trickle(Duration),
}

/// A point in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Before its first byte.
    BeforeHead,
    /// In the middle of the status line and headers.
    InHead,
    /// In the middle of the body.
    InBody,
}

/// How a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// In order: the client reads an end of the stream.
    Fin,
    /// With a reset: the client reads an error.
    Rst,
}

/// When a request that was held back reaches the server after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// When the test calls for it: see [`Proxy::release_late`](super::Proxy::release_late).
    OnRelease,
    /// When the server has answered the next request, just before its client reads the answer. A
    /// delayed first attempt so arrives after the retry, and before the retry is known to have worked.
    AfterNext,
}

impl Fault {
    const fn new(delivery: Delivery, answer: Answer, ending: Ending) -> Self {
        Self { delivery, answer, ending }
    }

    /// The connection is reset before a byte of the request is read: at once
    /// where it is new, else when the request comes. The connection was made;
    /// for one that cannot be, see [`Proxy::go_down`](super::Proxy::go_down).
    pub fn refuse() -> Self {
        Self::new(Delivery::Never, Answer::Real, Ending::Refused)
    }

    /// The answer stops at `point`, and the connection stays open until the client closes it.
    /// Before the head the request is not applied; later, it is.
    pub fn hang(point: Point) -> Self {
        let delivery = if point == Point::BeforeHead { Delivery::Never } else { Delivery::Now };
        Self::new(delivery, Answer::Real, Ending::Hang(point))
    }

    /// The answer stops at `point`, and the connection is closed. The request is applied.
    pub fn cut(point: Point, close: Close) -> Self {
        Self::new(Delivery::Now, Answer::Real, Ending::Cut(point, close))
    }

    /// The connection is closed in order when the request has been read. It is not applied.
    pub fn fin() -> Self {
        Self::cut(Point::BeforeHead, Close::Fin).unapplied()
    }

    /// The connection is reset when the request has been read. It is not applied.
    pub fn rst() -> Self {
        Self::cut(Point::BeforeHead, Close::Rst).unapplied()
    }

    /// The request is applied, the server's answer is read to its end, and then the connection is reset.
    pub fn answer_lost() -> Self {
        Self::cut(Point::BeforeHead, Close::Rst)
    }

    /// The connection is reset when the request has been read, and the server gets the request later.
    pub fn applied_late(late: Late) -> Self {
        Self::new(Delivery::Late(late), Answer::Real, Ending::Cut(Point::BeforeHead, Close::Rst))
    }

    /// The answer comes one byte at a time, `every` so often. The request is applied.
    pub fn trickle(every: Duration) -> Self {
        Self::new(Delivery::Now, Answer::Real, Ending::Trickle(every))
    }

    /// The answer comes at one byte a second. The request is applied.
    pub fn one_byte_a_second() -> Self {
        Self::trickle(Duration::from_secs(1))
    }

    /// An answer with this status, and an error in JSON as its body. The request is not applied.
    pub fn status(status: u16) -> Self {
        let body = format!(r#"{{"error":"the lab answers {status}"}}"#).into_bytes();
        Self::made(status, "application/json", body)
    }

    /// A page of HTML with this status. The request is not applied.
    pub fn html(status: u16) -> Self {
        let body = format!("<!DOCTYPE html><html><body><h1>{status}</h1></body></html>").into_bytes();
        Self::made(status, "text/html", body)
    }

    /// A body of so many bytes, with the status 200. The request is not applied.
    pub fn giant(bytes: u64) -> Self {
        Self::new(Delivery::Never, Answer::Giant(bytes), Ending::Whole)
    }

    /// The first half of the server's answer, well framed. The request is applied.
    pub fn truncated_json() -> Self {
        Self::new(Delivery::Now, Answer::Edited(Edit::Truncate), Ending::Whole)
    }

    /// The server's answer, asking for further requests to be sent to `url`. The request is applied.
    pub fn foreign_base_url(url: impl Into<String>) -> Self {
        Self::new(Delivery::Now, Answer::Edited(Edit::BaseUrl(url.into())), Ending::Whole)
    }

    /// The server's answer, with bytes in it that are not UTF-8. The request is applied.
    pub fn not_utf8() -> Self {
        Self::new(Delivery::Now, Answer::Edited(Edit::NotUtf8), Ending::Whole)
    }

    fn made(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        let answer = Answer::Made { status, retry_after: None, content_type, body };
        Self::new(Delivery::Never, answer, Ending::Whole)
    }

    /// The same, but the server gets the request.
    pub fn applied(mut self) -> Self {
        self.delivery = Delivery::Now;
        self
    }

    /// The same, but the server never gets the request. What is then left of
    /// its answer is an empty one.
    pub fn unapplied(mut self) -> Self {
        self.delivery = Delivery::Never;
        self
    }

    /// The same, but the connection hangs where it would be closed.
    pub fn hanging(mut self) -> Self {
        if let Ending::Cut(point, _) = self.ending {
            self.ending = Ending::Hang(point);
        }
        self
    }

    /// The same answer, but it stops at `point`, and the connection stays open.
    pub fn stopping(mut self, point: Point) -> Self {
        self.ending = Ending::Hang(point);
        self
    }

    /// The same, with a `Retry-After` of so many seconds, where the answer is a made-up one.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        if let Answer::Made { retry_after, .. } = &mut self.answer {
            *retry_after = Some(seconds);
        }
        self
    }

    /// The same, with this body, where the answer is a made-up one.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        if let Answer::Made { body, .. } = &mut self.answer {
            *body = bytes.into();
        }
        self
    }
}
