//! The sizes of a set of episodes.

use memory_core::{Episode, ExecutionResult};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many and how large.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Episodes in all.
    pub episodes: usize,
    /// Episodes that succeeded.
    pub succeeded: usize,
    /// Steps in all.
    pub steps: usize,
    /// Steps that failed.
    pub failed_steps: usize,
    /// Different tools.
    pub tools: usize,
    /// Steps of an episode: least, median, 90th percentile, most.
    pub steps_per_episode: [usize; 4],
    /// Messages of the conversation, without answers of tools: the same.
    pub messages_per_episode: [usize; 4],
    /// Characters of a step's arguments as compact JSON: the same.
    pub argument_chars: [usize; 4],
    /// Characters of a tool's answer: the same.
    pub output_chars: [usize; 4],
    /// Bytes of an episode as JSON: the same.
    pub episode_bytes: [usize; 4],
}

impl Shape {
    /// The sizes of these episodes.
    pub fn of(episodes: &[Episode]) -> Self {
        let steps: Vec<_> = episodes.iter().flat_map(|episode| &episode.steps).collect();
        let outputs = steps.iter().filter_map(|step| match &step.result {
            Some(ExecutionResult::Success { output: text } | ExecutionResult::Error { message: text }) => {
                Some(text.chars().count())
            }
            _ => None,
        });
        let mut tools: Vec<_> = steps.iter().map(|step| step.tool.as_str()).collect();
        tools.sort_unstable();
        tools.dedup();
        let said = |episode: &Episode| {
            let messages = episode.metadata.get("messages").and_then(Value::as_array);
            messages.into_iter().flatten().filter(|message| message["role"] != "tool").count()
        };
        let succeeded =
            |episode: &&Episode| episode.outcome.as_ref().is_some_and(|outcome| outcome.name() == "success");
        Self {
            episodes: episodes.len(),
            succeeded: episodes.iter().filter(succeeded).count(),
            steps: steps.len(),
            failed_steps: steps
                .iter()
                .filter(|step| matches!(step.result, Some(ExecutionResult::Error { .. })))
                .count(),
            tools: tools.len(),
            steps_per_episode: quantiles(episodes.iter().map(|episode| episode.steps.len())),
            messages_per_episode: quantiles(episodes.iter().map(said)),
            argument_chars: quantiles(steps.iter().map(|step| step.parameters.to_string().chars().count())),
            output_chars: quantiles(outputs),
            episode_bytes: quantiles(
                episodes.iter().map(|episode| serde_json::to_string(episode).map_or(0, |text| text.len())),
            ),
        }
    }
}

fn quantiles(values: impl Iterator<Item = usize>) -> [usize; 4] {
    let mut sorted: Vec<_> = values.collect();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    [0, sorted.len() / 2, sorted.len() * 9 / 10, last].map(|rank| sorted.get(rank).copied().unwrap_or_default())
}
