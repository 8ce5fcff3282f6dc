//! The bytes of an answer, whether the server's, changed, or made up.

use super::fault::{Answer, Edit, Point};
use super::message::Message;

/// What is left of a server that was not asked.
const EMPTY: &[u8] = br#"{"baton":null,"base_url":null,"results":[]}"#;

/// An answer ready to be sent, and where its head ends.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    head: usize,
    /// So many spaces follow, which would be a pity to keep in memory.
    pub(super) padding: u64,
    /// Whether the connection ends with it.
    pub(super) closes: bool,
}

impl Reply {
    /// The server's own words.
    pub(super) fn real(answer: Message) -> Self {
        Self { head: answer.head_len(), closes: answer.closes(), bytes: answer.raw, padding: 0 }
    }

    /// What `answer` says, where `real` is the server's answer if it was asked.
    pub(super) fn new(answer: Answer, real: Option<Message>) -> Self {
        match (answer, real) {
            (Answer::Real, Some(real)) => Self::real(real),
            (Answer::Edited(edit), Some(real)) => Self::edited(&edit, &real),
            (Answer::Real, None) => Self::compose(200, "application/json", None, EMPTY),
            (Answer::Edited(edit), None) => Self::compose(200, "application/json", None, &change(&edit, EMPTY)),
            (Answer::Made { status, retry_after, content_type, body }, _) => {
                Self::compose(status, content_type, retry_after, &body)
            }
            (Answer::Giant(bytes), _) => {
                let mut reply = Self::compose_head(200, "application/json", None, bytes);
                reply.padding = bytes;
                reply
            }
        }
    }

    fn edited(edit: &Edit, real: &Message) -> Self {
        let status = real.head.first.parse().unwrap_or(200);
        let content_type = real.head.content_type.as_deref().unwrap_or("application/json");
        let mut reply = Self::compose(status, content_type, None, &change(edit, &real.content()));
        reply.closes = real.closes();
        reply
    }

    fn compose(status: u16, content_type: &str, retry_after: Option<u64>, body: &[u8]) -> Self {
        let mut reply = Self::compose_head(status, content_type, retry_after, body.len() as u64);
        reply.bytes.extend_from_slice(body);
        reply
    }

    fn compose_head(status: u16, content_type: &str, retry_after: Option<u64>, length: u64) -> Self {
        let reason = hyper::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let reason = reason.unwrap_or("Unknown");
        let retry_after = retry_after.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {status} {reason}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n{retry_after}\r\n"
        );
        Self { head: head.len(), bytes: head.into_bytes(), padding: 0, closes: false }
    }

    /// The bytes before `point`.
    pub(super) fn until(&self, point: Point) -> &[u8] {
        let end = match point {
            Point::BeforeHead => 0,
            Point::InHead => self.head / 2,
            // Of an answer without a body, all but the last byte of the empty line.
            Point::InBody if self.bytes.len() == self.head => self.head - 1,
            Point::InBody => usize::midpoint(self.head, self.bytes.len()),
        };
        &self.bytes[..end]
    }
}

fn change(edit: &Edit, body: &[u8]) -> Vec<u8> {
    let (before, after) = body.split_at(body.len() / 2);
    match edit {
        Edit::Truncate => before.to_vec(),
        Edit::NotUtf8 => [before, &[0xff, 0xfe, 0xc0], after].concat(),
        Edit::BaseUrl(url) => {
            let null = br#""base_url":null"#;
            let Some(at) = body.windows(null.len()).position(|window| window == null) else {
                return body.to_vec();
            };
            let given = format!(r#""base_url":{}"#, serde_json::Value::from(url.as_str()));
            [&body[..at], given.as_bytes(), &body[at + null.len()..]].concat()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    fn text(answer: Answer) -> String {
        String::from_utf8(Reply::new(answer, None).bytes).unwrap()
    }

    #[test]
    fn a_made_up_answer_is_well_formed() {
        let answer = text(Fault::status(429).retry_after(7).body("busy").answer);
        let expected = "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\n\
            content-length: 4\r\nretry-after: 7\r\n\r\nbusy";
        assert_eq!(answer, expected);
    }

    #[test]
    fn a_base_url_is_put_where_there_was_none() {
        let answer = text(Fault::foreign_base_url("http://elsewhere").answer);
        assert!(answer.ends_with(r#"{"baton":null,"base_url":"http://elsewhere","results":[]}"#), "{answer}");
    }

    #[test]
    fn an_answer_can_be_cut_anywhere() {
        let reply = Reply::new(Fault::status(500).body("12345678").answer, None);
        assert_eq!(reply.until(Point::BeforeHead), b"");
        assert!(reply.until(Point::InHead).len() < reply.head);
        assert!(reply.until(Point::InBody).ends_with(b"\r\n\r\n1234"));
    }
}
