//! What all connections of a proxy share.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;

use super::ProxyOptions;
use super::counters::Tally;
use super::fault::Late;
use super::link::Link;
use super::message::Message;
use super::script::Script;
use super::upstream::Upstream;
use crate::lock::lock;

/// The line: its delays, its counters, and its misfortunes.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) target: SocketAddr,
    pub(super) up: Link,
    pub(super) down: Link,
    pub(super) tally: Tally,
    tls_rtts: u32,
    script: Mutex<Script>,
    late: Mutex<Kept>,
    /// How many hold the requests back.
    pub(super) held: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Kept {
    requests: VecDeque<(Late, Message)>,
    answers: Vec<LateAnswer>,
}

/// What the server said to a request that came late, and whose client had left.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LateAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body, not compressed, chunks put together.
    pub body: Vec<u8>,
}

impl Line {
    pub(super) fn new(options: &ProxyOptions) -> Self {
        let there = options.rtt / 2;
        Self {
            target: options.target,
            up: Link::new(there, options.bandwidth),
            down: Link::new(options.rtt.saturating_sub(there), options.bandwidth),
            tally: Tally::new(),
            tls_rtts: options.tls_rtts,
            script: Mutex::default(),
            late: Mutex::default(),
            held: watch::Sender::new(0),
        }
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        lock(&self.script)
    }

    pub(super) fn set_rtt(&self, rtt: Duration) {
        let there = rtt / 2;
        self.up.set_delay(there);
        self.down.set_delay(rtt.saturating_sub(there));
    }

    /// What a new connection costs before its first request.
    pub(super) async fn handshake(&self) {
        for _ in 0..=self.tls_rtts {
            self.up.carry(0).await;
            self.down.carry(0).await;
        }
    }

    /// Waits until nobody holds the requests back.
    pub(super) async fn open_gate(&self) {
        // The sender is in `self`, so the channel cannot close.
        let _ = self.held.subscribe().wait_for(|held| *held == 0).await;
    }

    pub(super) fn keep_for_later(&self, late: Late, request: Message) {
        lock(&self.late).requests.push_back((late, request));
    }

    pub(super) async fn deliver_late_after_next(&self) {
        self.deliver_late(|late| late == Late::AfterNext).await;
    }

    /// Sends the requests that were held back, in the order they came.
    pub(super) async fn deliver_late(&self, due: impl Fn(Late) -> bool) {
        loop {
            let next = {
                let kept = &mut lock(&self.late).requests;
                let at = kept.iter().position(|(late, _)| due(*late));
                at.and_then(|at| kept.remove(at))
            };
            let Some((_, request)) = next else { break };
            let answer = Upstream::new(self.target).ask(&request.plain(), &request.head.first).await;
            // A server that is gone by now has not applied it, and says nothing.
            if let Ok(answer) = answer {
                let status = answer.head.first.parse().unwrap_or_default();
                lock(&self.late).answers.push(LateAnswer { status, body: answer.content().into_owned() });
            }
        }
    }

    pub(super) fn take_late_answers(&self) -> Vec<LateAnswer> {
        std::mem::take(&mut lock(&self.late).answers)
    }

    pub(super) fn late_count(&self) -> usize {
        lock(&self.late).requests.len()
    }
}
