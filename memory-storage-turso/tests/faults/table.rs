//! The faults, and what each leads to.
//!
//! The expectations are written out, not computed: this table is the contract.

use std::time::Duration;

use memory_lab::{Close, Fault, Late, Point, Script};

use crate::world::Kind;

/// One fault at one point.
pub(crate) struct Row {
    pub(crate) point: &'static str,
    pub(crate) name: &'static str,
    pub(crate) trouble: Trouble,
    /// How a read fails that meets the fault every time; empty where it works.
    pub(crate) read: &'static [Kind],
    /// How a write does.
    pub(crate) write: &'static [Kind],
    /// What such a write leaves behind.
    pub(crate) effect: Effect,
    /// What becomes of a call that meets the fault once.
    pub(crate) once: Once,
}

pub(crate) enum Trouble {
    Fault(Fault),
    /// Nobody listens at the address.
    Down,
}

/// What a failed write has done by the time that everything that was delivered
/// is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Nothing,
    Everything,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Once {
    /// It is tried again, and works.
    Works,
    /// It is refused, and not tried again.
    Fails,
    /// The fault cannot come just once.
    Skipped,
}

impl Row {
    /// Whether its cells take long, and the machine's whole attention.
    pub(crate) fn is_costly(&self) -> bool {
        self.name == "giant"
    }

    /// What the proxy is told, unless it is down.
    pub(crate) fn script(&self, once: bool) -> Script {
        match &self.trouble {
            Trouble::Down => Script::new(),
            // Consumed by the open connection's request, and by the next connection.
            Trouble::Fault(fault) if *fault == Fault::refuse() => {
                Script::new().times(if once { 2 } else { 100 }, fault)
            }
            Trouble::Fault(fault) if once => Script::new().then(fault.clone()),
            Trouble::Fault(fault) => Script::new().when(|_| true, fault.clone()),
        }
    }
}

const WORKS: &[Kind] = &[];
const BACKEND: &[Kind] = &[Kind::Backend];
const INVALID: &[Kind] = &[Kind::InvalidInput];
const MISCONFIGURED: &[Kind] = &[Kind::Misconfigured];
const TIMEOUT: &[Kind] = &[Kind::Timeout];
const UNAUTHORIZED: &[Kind] = &[Kind::Unauthorized];
const UNAVAILABLE: &[Kind] = &[Kind::Unavailable];
const UNKNOWN: &[Kind] = &[Kind::Indeterminate];
/// It depends on whether the client has noticed that its connection is closed.
const SENT_OR_NOT: &[Kind] = &[Kind::Unavailable, Kind::Indeterminate];
/// It depends on how fast the machine swallows so many bytes.
const SLOW_OR_LONG: &[Kind] = &[Kind::Timeout, Kind::Unavailable];

/// Every fault at every point that it can have.
///
/// - `connect`: before the request is read.
/// - `before`: the request is read, and the server does not get it.
/// - `after`: the server has done it, and none of its answer comes.
/// - `reading`: the server has done it, and its answer is damaged.
/// - `late`: the server gets the request after its client has given it up.
///
/// What is not here: the statuses 400 to 429 after the server has done it,
/// since they say that nothing was done, and no client can tell a liar; and
/// giant answers to all operations, a few of which stand for the others.
#[rustfmt::skip]
pub(crate) fn rows() -> Vec<Row> {
    use Effect::{Everything, Nothing};
    use Once::{Fails, Skipped, Works};

    let row = |point, name, fault, read, write, effect, once| Row {
        point, name, trouble: Trouble::Fault(fault), read, write, effect, once,
    };
    let down = Row {
        point: "connect", name: "nobody listens", trouble: Trouble::Down,
        read: UNAVAILABLE, write: SENT_OR_NOT, effect: Nothing, once: Skipped,
    };
    let second = Duration::from_secs(1);
    let (head, in_head, in_body) = (Point::BeforeHead, Point::InHead, Point::InBody);
    let elsewhere = "http://192.0.2.1:1";

    vec![
        down,
        row("connect", "reset", Fault::refuse(), UNAVAILABLE, SENT_OR_NOT, Nothing, Works),

        row("before", "hang", Fault::hang(head), TIMEOUT, UNKNOWN, Nothing, Works),
        row("before", "hang in a head", Fault::hang(in_head).unapplied(), TIMEOUT, UNKNOWN, Nothing, Works),
        row("before", "hang in a body", Fault::hang(in_body).unapplied(), TIMEOUT, UNKNOWN, Nothing, Works),
        row("before", "one byte a second", Fault::trickle(second).unapplied(), TIMEOUT, UNKNOWN, Nothing, Works),
        row("before", "end", Fault::fin(), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "reset", Fault::rst(), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "end in a head", Fault::cut(in_head, Close::Fin).unapplied(), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "reset in a body", Fault::cut(in_body, Close::Rst).unapplied(), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "302", Fault::status(302), MISCONFIGURED, MISCONFIGURED, Nothing, Fails),
        row("before", "400", Fault::status(400), BACKEND, BACKEND, Nothing, Fails),
        row("before", "401", Fault::status(401), UNAUTHORIZED, UNAUTHORIZED, Nothing, Fails),
        row("before", "401, and a body that hangs", Fault::status(401).stopping(in_body), UNAUTHORIZED, UNAUTHORIZED, Nothing, Fails),
        row("before", "403", Fault::status(403), UNAUTHORIZED, UNAUTHORIZED, Nothing, Fails),
        row("before", "404", Fault::status(404), MISCONFIGURED, MISCONFIGURED, Nothing, Fails),
        row("before", "413", Fault::status(413), INVALID, INVALID, Nothing, Fails),
        row("before", "429", Fault::status(429), UNAVAILABLE, UNAVAILABLE, Nothing, Works),
        row("before", "429, again at once", Fault::status(429).retry_after(0), UNAVAILABLE, UNAVAILABLE, Nothing, Works),
        row("before", "429, again in an hour", Fault::status(429).retry_after(3600), UNAVAILABLE, UNAVAILABLE, Nothing, Fails),
        row("before", "429, never again", Fault::status(429).retry_after(u64::MAX), UNAVAILABLE, UNAVAILABLE, Nothing, Fails),
        row("before", "500", Fault::status(500), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "502", Fault::status(502), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "503", Fault::status(503), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "503, again in an hour", Fault::status(503).retry_after(3600), UNAVAILABLE, UNKNOWN, Nothing, Fails),
        row("before", "503, and a body that hangs", Fault::status(503).stopping(in_body), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "504", Fault::status(504), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "524", Fault::status(524), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "HTML", Fault::html(200), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "HTML, 403", Fault::html(403), UNAUTHORIZED, UNAUTHORIZED, Nothing, Fails),
        row("before", "HTML, 502", Fault::html(502), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "no results", Fault::status(200).body(r#"{"baton":null,"base_url":null,"results":[]}"#),
            UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "truncated JSON", Fault::truncated_json().unapplied(), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "not UTF-8", Fault::not_utf8().unapplied(), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("before", "giant", Fault::giant(64 << 20), SLOW_OR_LONG, UNKNOWN, Nothing, Works),

        row("after", "hang", Fault::hang(head).applied(), TIMEOUT, UNKNOWN, Everything, Works),
        row("after", "end", Fault::cut(head, Close::Fin), UNAVAILABLE, UNKNOWN, Everything, Works),
        row("after", "reset", Fault::answer_lost(), UNAVAILABLE, UNKNOWN, Everything, Works),
        row("after", "500", Fault::status(500).applied(), UNAVAILABLE, UNKNOWN, Everything, Works),
        row("after", "502", Fault::status(502).applied(), UNAVAILABLE, UNKNOWN, Everything, Works),
        row("after", "503, again in an hour", Fault::status(503).retry_after(3600).applied(),
            UNAVAILABLE, UNKNOWN, Everything, Fails),
        row("after", "504", Fault::status(504).applied(), UNAVAILABLE, UNKNOWN, Everything, Works),
        row("after", "524", Fault::status(524).applied(), UNAVAILABLE, UNKNOWN, Everything, Works),
        row("after", "HTML", Fault::html(200).applied(), UNAVAILABLE, UNKNOWN, Everything, Works),
        row("after", "giant", Fault::giant(64 << 20).applied(), SLOW_OR_LONG, UNKNOWN, Everything, Works),

        row("reading", "hang in the head", Fault::hang(in_head), TIMEOUT, UNKNOWN, Everything, Works),
        row("reading", "hang in the body", Fault::hang(in_body), TIMEOUT, UNKNOWN, Everything, Works),
        row("reading", "one byte a second", Fault::one_byte_a_second(), TIMEOUT, UNKNOWN, Everything, Works),
        row("reading", "end in the head", Fault::cut(in_head, Close::Fin), UNAVAILABLE, UNKNOWN, Everything, Works),
        row("reading", "reset in the head", Fault::cut(in_head, Close::Rst), UNAVAILABLE, UNKNOWN, Everything, Works),
        row("reading", "end in the body", Fault::cut(in_body, Close::Fin), UNAVAILABLE, UNKNOWN, Everything, Works),
        row("reading", "reset in the body", Fault::cut(in_body, Close::Rst), UNAVAILABLE, UNKNOWN, Everything, Works),
        row("reading", "truncated JSON", Fault::truncated_json(), UNAVAILABLE, UNKNOWN, Everything, Works),
        row("reading", "not UTF-8", Fault::not_utf8(), UNAVAILABLE, UNKNOWN, Everything, Works),
        row("reading", "foreign base_url", Fault::foreign_base_url(elsewhere), WORKS, WORKS, Everything, Works),

        row("late", "reset", Fault::applied_late(Late::OnRelease), UNAVAILABLE, UNKNOWN, Nothing, Works),
        row("late", "hang", Fault::applied_late(Late::OnRelease).hanging(), TIMEOUT, UNKNOWN, Nothing, Works),
        row("late", "reset, and just after the next", Fault::applied_late(Late::AfterNext), UNAVAILABLE, UNKNOWN, Nothing, Works),
    ]
}
