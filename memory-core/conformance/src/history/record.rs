//! The record of a history, and the answers that it allows.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use fastrand::Rng;
use memory_core::{Episode, EpisodeId, TaskContext, TaskType, Timestamp, WriteId, Written};
use uuid::Uuid;

use super::Summary;
use super::lock::lock;

/// Number of records that the tasks share.
pub(super) const KEYS: usize = 5;
pub(super) const DOMAINS: [&str; 2] = ["red", "blue"];

/// The value of a key: a version and its domain, or nothing.
pub(super) type Held = Option<(u64, usize)>;
pub(super) type State = [Held; KEYS];

#[derive(Debug)]
pub(super) struct History {
    pub(super) ids: [EpisodeId; KEYS],
    events: Mutex<Events>,
}

#[derive(Debug)]
struct Events {
    /// The contents of the database after each write that reached it.
    states: Vec<State>,
    /// For each key, the state in which it was last written.
    written: Vec<[usize; KEYS]>,
    /// For each key, the newest state whose value was acknowledged or returned.
    floors: [usize; KEYS],
    /// The state after each write.
    stored: HashMap<WriteId, usize>,
    /// The times at which writes were abandoned.
    given_up: HashMap<WriteId, u64>,
    /// The writes that were refused as fenced.
    fenced: HashSet<WriteId>,
    /// For each key, the time at which the last acknowledged write began.
    acknowledged: [u64; KEYS],
    clock: u64,
    versions: u64,
    summary: Summary,
    stale: Option<String>,
}

/// The state of the history when an operation began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    floors: [usize; KEYS],
    at: u64,
}

impl History {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self {
            ids: std::array::from_fn(|_| Uuid::from_u128(rng.u128(..)).into()),
            events: Mutex::new(Events {
                states: vec![[None; KEYS]],
                written: vec![[0; KEYS]],
                floors: [0; KEYS],
                stored: HashMap::new(),
                given_up: HashMap::new(),
                fenced: HashSet::new(),
                acknowledged: [0; KEYS],
                clock: 0,
                versions: 0,
                summary: Summary::default(),
                stale: None,
            }),
        }
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        lock(&self.events)
    }

    /// Records the beginning of an operation.
    pub(super) fn start(&self) -> Start {
        let mut events = self.events();
        events.clock += 1;
        Start { floors: events.floors, at: events.clock }
    }

    /// Creates a record for a key, with a version that was never written
    /// before.
    pub(super) fn fresh(&self, key: usize, domain: usize) -> Episode {
        let mut events = self.events();
        events.versions += 1;
        let context = TaskContext::new(DOMAINS[domain]);
        let time = Timestamp::MIN;
        Episode::with_id(self.ids[key], time, events.versions.to_string(), context, TaskType::Other)
    }

    /// Records that the database applied a write.
    pub(super) fn store(&self, id: WriteId, changes: &[(EpisodeId, Option<&Episode>)]) {
        let mut events = self.events();
        let (mut state, mut written) =
            (events.states[events.states.len() - 1], events.written[events.written.len() - 1]);
        let number = events.states.len();
        if events.fenced.contains(&id) {
            events.stale.get_or_insert(format!("write {id} was fenced off, and happened afterwards"));
        }
        for (changed, record) in changes {
            let Some(key) = self.ids.iter().position(|id| id == changed) else { continue };
            state[key] = record.and_then(held);
            written[key] = number;
            if events.given_up.get(&id).is_some_and(|gone| *gone < events.acknowledged[key]) {
                events.stale.get_or_insert(format!("write {id} was given up, and undid a later one of key {key}"));
            }
        }
        events.states.push(state);
        events.written.push(written);
        events.stored.insert(id, number);
    }

    pub(super) fn acknowledge(&self, written: &Written, keys: &[usize], start: Start) {
        let mut events = self.events();
        events.summary.acknowledged += 1;
        let Some(number) = events.stored.get(&written.id).copied() else {
            events.stale.get_or_insert(format!("write {} was acknowledged and never stored", written.id));
            return;
        };
        for key in keys {
            events.floors[*key] = events.floors[*key].max(number);
            // A write that was applied before did not apply today's fences.
            if !written.already {
                events.acknowledged[*key] = events.acknowledged[*key].max(start.at);
            }
        }
    }

    /// Records that a write is committed again. Returns the time at which an
    /// earlier commit of it was abandoned, if it was.
    pub(super) fn resume(&self, id: WriteId) -> Option<u64> {
        self.events().given_up.remove(&id)
    }

    /// Records that a write was abandoned.
    pub(super) fn give_up(&self, id: WriteId) {
        let mut events = self.events();
        events.clock += 1;
        let now = events.clock;
        events.given_up.insert(id, now);
        events.summary.failed += 1;
    }

    /// Records that an attempt at a write failed. An earlier attempt may have
    /// been abandoned.
    pub(super) fn failed(&self, id: WriteId, given_up: Option<u64>) {
        let mut events = self.events();
        events.given_up.extend(given_up.map(|before| (id, before)));
        events.summary.failed += 1;
    }

    /// Records that a write was refused as fenced: it has not taken effect and
    /// never will.
    pub(super) fn fenced(&self, id: WriteId) {
        let mut events = self.events();
        if events.stored.contains_key(&id) {
            events.stale.get_or_insert(format!("write {id} was refused as fenced off, and has happened"));
        }
        events.fenced.insert(id);
        events.summary.failed += 1;
    }

    /// Records that a read failed or was cancelled.
    pub(super) fn unanswered(&self) {
        self.events().summary.failed += 1;
    }

    pub(super) fn fail(&self, what: String) {
        self.events().stale.get_or_insert(what);
    }

    /// Checks an answer about some keys: a single state must explain it, no
    /// older than the floor of any of these keys.
    pub(super) fn check(&self, start: Start, keys: &[usize], what: &str, holds: impl Fn(&State) -> bool) {
        let mut events = self.events();
        events.summary.reads += 1;
        let floor = keys.iter().map(|key| start.floors[*key]).max().unwrap_or(0);
        let Some(number) = (floor..events.states.len()).find(|number| holds(&events.states[*number])) else {
            let states = &events.states[floor.saturating_sub(2)..];
            let what = format!("{what} of keys {keys:?}, not older than state {floor}, among {states:?}");
            events.stale.get_or_insert(what);
            return;
        };
        let written = events.written[number];
        for key in keys {
            events.floors[*key] = events.floors[*key].max(written[*key]);
        }
    }

    pub(super) fn summary(&self) -> Result<Summary, String> {
        let events = self.events();
        events.stale.clone().map_or(Ok(events.summary), Err)
    }
}

/// Returns the value that a record gives its key.
pub(super) fn held(record: &Episode) -> Held {
    let domain = DOMAINS.iter().position(|name| *name == record.context.domain)?;
    Some((record.task_description.parse().ok()?, domain))
}
