//! Many small episodes, for queries to search.

use std::time::Duration;

use fastrand::Rng;
use memory_core::{
    Complexity, Episode, ExecutionResult, ExecutionStep, Result, TaskContext, TaskOutcome, TaskType, Timestamp,
};
use serde_json::json;

use crate::trajectories::{time_ordered_id, words};

/// How many domains there are.
pub(crate) const DOMAINS: usize = 20;
/// How many episodes a session has on average.
const PER_SESSION: usize = 10;

/// How many sessions a population of this size has.
pub(crate) const fn sessions(count: usize) -> usize {
    count.div_ceil(PER_SESSION)
}

/// So many episodes of one step each, a minute apart, of some 600 bytes. Each
/// belongs to a session, which its metadata name twice: `session`, for which
/// there is an index, and `conversation`, for which there is none.
pub(crate) fn population(seed: u64, count: usize) -> Result<Vec<Episode>> {
    generator(seed, count).collect()
}

/// The same, one after the other.
pub(crate) fn generator(seed: u64, count: usize) -> impl Iterator<Item = Result<Episode>> {
    let mut random = Rng::with_seed(seed);
    (0..count as u64).map(move |number| episode(&mut random, number, sessions(count)))
}

/// Lets the tool's answer grow until the episode has so many bytes as JSON.
pub(crate) fn pad(random: &mut Rng, episode: &mut Episode, bytes: usize) -> serde_json::Result<()> {
    let missing = bytes.saturating_sub(serde_json::to_string(episode)?.len());
    if let Some(Some(ExecutionResult::Success { output })) = episode.steps.first_mut().map(|step| &mut step.result) {
        *output += &words(random, missing);
    }
    Ok(())
}

fn episode(random: &mut Rng, number: u64, sessions: usize) -> Result<Episode> {
    let start = Timestamp::from_micros(1_700_000_000_000_000)?;
    let start = start.checked_add(Duration::from_secs(60 * number)).unwrap_or(Timestamp::MAX);
    let context = TaskContext {
        language: Some(["rust", "python", "typescript"][random.usize(0..3)].to_owned()),
        complexity: Complexity::Simple,
        tags: vec!["small".to_owned()],
        ..TaskContext::new(domain(random.usize(0..DOMAINS)))
    };
    let task = format!("Look into report {number} and answer whoever wrote it");
    let mut episode =
        Episode::with_id(time_ordered_id(start, random.u64(..)), start, task, context, TaskType::Analysis);
    let mut step = ExecutionStep::new(1, "read_report", "find out what it is about");
    step.timestamp = start;
    step.parameters = json!({ "report": number });
    step.result = Some(ExecutionResult::Success { output: "a short answer of the tool".to_owned() });
    episode.steps.push(step);
    episode.end_time = start.checked_add(Duration::from_secs(30));
    episode.outcome = Some(TaskOutcome::Success { verdict: "answered".to_owned(), artifacts: Vec::new() });
    let session = session(random.usize(0..sessions));
    episode.metadata.insert("conversation", session.as_str());
    episode.metadata.insert("priority", random.u8(1..=5));
    episode.metadata.insert("session", session);
    Ok(episode)
}

pub(crate) fn domain(number: usize) -> String {
    format!("domain-{number}")
}

pub(crate) fn session(number: usize) -> String {
    format!("s{number}")
}
