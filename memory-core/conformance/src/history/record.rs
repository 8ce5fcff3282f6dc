//! What has happened, and what an answer may be.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use fastrand::Rng;
use memory_core::{Episode, EpisodeId, TaskContext, TaskType, Timestamp, WriteId, Written};
use uuid::Uuid;

use super::Summary;
use super::lock::lock;

/// Records that the tasks contend for.
pub(super) const KEYS: usize = 5;
pub(super) const DOMAINS: [&str; 2] = ["red", "blue"];

/// What a key holds: a version and its domain, or nothing.
pub(super) type Held = Option<(u64, usize)>;
pub(super) type State = [Held; KEYS];

#[derive(Debug)]
pub(super) struct History {
    pub(super) ids: [EpisodeId; KEYS],
    events: Mutex<Events>,
}

#[derive(Debug)]
struct Events {
    /// What the database held after each write that reached it.
    states: Vec<State>,
    /// The state in which each key was last written.
    written: Vec<[usize; KEYS]>,
    /// For each key, the newest state whose value was acknowledged or returned.
    floors: [usize; KEYS],
    /// Where each write ended up.
    stored: HashMap<WriteId, usize>,
    /// When writes were given up, and for each key when the last write that
    /// was acknowledged began.
    given_up: HashMap<WriteId, u64>,
    /// Writes that were refused as fenced off.
    fenced: HashSet<WriteId>,
    acknowledged: [u64; KEYS],
    clock: u64,
    versions: u64,
    summary: Summary,
    stale: Option<String>,
}

/// Where the world stood when an operation began.
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

    /// An operation begins.
    pub(super) fn start(&self) -> Start {
        let mut events = self.events();
        events.clock += 1;
        Start { floors: events.floors, at: events.clock }
    }

    /// A record of a key that was never written before.
    pub(super) fn fresh(&self, key: usize, domain: usize) -> Episode {
        let mut events = self.events();
        events.versions += 1;
        let context = TaskContext::new(DOMAINS[domain]);
        let time = Timestamp::MIN;
        Episode::with_id(self.ids[key], time, events.versions.to_string(), context, TaskType::Other)
    }

    /// The database takes a write.
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
            // What had been done before brought none of today's fences.
            if !written.already {
                events.acknowledged[*key] = events.acknowledged[*key].max(start.at);
            }
        }
    }

    /// Somebody commits a write again: whether and when it was given up.
    pub(super) fn resume(&self, id: WriteId) -> Option<u64> {
        self.events().given_up.remove(&id)
    }

    /// Nobody waits for a write any more.
    pub(super) fn give_up(&self, id: WriteId) {
        let mut events = self.events();
        events.clock += 1;
        let now = events.clock;
        events.given_up.insert(id, now);
        events.summary.failed += 1;
    }

    /// An attempt at a write failed for certain; one before may have been given up.
    pub(super) fn failed(&self, id: WriteId, given_up: Option<u64>) {
        let mut events = self.events();
        events.given_up.extend(given_up.map(|before| (id, before)));
        events.summary.failed += 1;
    }

    /// A write was refused for good: it has not happened, and never will.
    pub(super) fn fenced(&self, id: WriteId) {
        let mut events = self.events();
        if events.stored.contains_key(&id) {
            events.stale.get_or_insert(format!("write {id} was refused as fenced off, and has happened"));
        }
        events.fenced.insert(id);
        events.summary.failed += 1;
    }

    /// A read failed, or was given up.
    pub(super) fn unanswered(&self) {
        self.events().summary.failed += 1;
    }

    pub(super) fn fail(&self, what: String) {
        self.events().stale.get_or_insert(what);
    }

    /// Checks an answer about some keys: there must be one state, no older
    /// than the floor of any of them, in which it was true.
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

/// What a record says of its key.
pub(super) fn held(record: &Episode) -> Held {
    let domain = DOMAINS.iter().position(|name| *name == record.context.domain)?;
    Some((record.task_description.parse().ok()?, domain))
}
