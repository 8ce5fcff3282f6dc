//! The episodes that the bench stores: real ones from a file, or generated.

mod generate;
mod oddities;
mod read;
mod shape;

use std::time::Duration;

use memory_core::{
    ChatMessage, ChatNote, Episode, EpisodeId, ImportedChat, Result, RewardScore, TaskContext, TaskOutcome, TaskType,
    Timestamp,
};
use serde_json::Value;
use uuid::Builder;

pub(crate) use generate::words;
pub use oddities::Oddities;
pub use shape::Shape;

/// The source of those that no file gave.
const GENERATED: &str = "generated";

/// Episodes of agents at work.
#[derive(Clone, Debug)]
pub struct Trajectories {
    /// Where they come from: a path, or `generated`.
    pub source: String,
    /// The episodes.
    pub episodes: Vec<Episode>,
    /// Their sizes.
    pub shape: Shape,
    /// The parts of the file that were skipped, repaired or kept aside.
    pub oddities: Oddities,
}

impl Trajectories {
    fn new(source: impl Into<String>, episodes: Vec<Episode>) -> Self {
        Self { source: source.into(), shape: Shape::of(&episodes), episodes, oddities: Oddities::default() }
    }

    /// Whether they come from no file.
    pub fn is_generated(&self) -> bool {
        self.source == GENERATED
    }
}

/// One entry of a τ-bench file.
#[derive(Debug)]
struct Trajectory {
    /// A number, or a text.
    task_id: Value,
    trial: u64,
    reward: f64,
    /// Whom the agent served, where the file says so.
    user_id: Option<String>,
    messages: Vec<ChatMessage>,
}

impl Trajectory {
    /// The episode of this trajectory as the `index`-th of its set: ten minutes
    /// after the one before, with an id that depends on nothing else. It lacks
    /// the system prompt, which is the same policy in all of a set.
    fn episode(self, index: u64) -> Result<(Episode, Vec<ChatNote>)> {
        // 15 May 2024, 15:00 in New York: the present of the airline's agents.
        let start = Timestamp::from_micros(1_715_799_600_000_000)?;
        let start = start.checked_add(Duration::from_secs(600 * index)).unwrap_or(Timestamp::MAX);
        let imported = Episode::from_chat_at(&self.messages, TaskContext::new("tau-bench"), TaskType::Other, start)?;
        let ImportedChat { mut episode, notes, .. } = imported;
        if let Some(Value::Array(messages)) = episode.metadata.remove("messages") {
            let rest = messages.into_iter().skip_while(|message| message["role"] == "system");
            episode.metadata.insert("messages", rest.collect::<Vec<_>>());
        }
        episode.id = time_ordered_id(start, index);
        let reward = self.reward;
        episode.outcome = Some(match reward {
            1.0.. => TaskOutcome::Success { verdict: format!("reward {reward}"), artifacts: Vec::new() },
            _ if reward > 0.0 => TaskOutcome::PartialSuccess {
                verdict: format!("reward {reward}"),
                completed: Vec::new(),
                failed: Vec::new(),
            },
            _ => TaskOutcome::Failure { reason: format!("reward {reward}"), error_details: None },
        });
        episode.reward = Some(RewardScore {
            total: reward,
            base: reward,
            efficiency: 1.0,
            complexity_bonus: 1.0,
            quality_multiplier: 1.0,
            learning_bonus: 0.0,
        });
        let task = self.task_id.as_str().map_or_else(|| self.task_id.to_string(), str::to_owned);
        episode.metadata.insert("session", format!("{task}/{}", self.trial));
        episode.metadata.insert("task_id", self.task_id);
        episode.metadata.insert("trial", self.trial);
        if let Some(user_id) = self.user_id {
            episode.metadata.insert("user_id", user_id);
        }
        Ok((episode, notes))
    }
}

/// A version 7 UUID whose random part is drawn from `seed`.
pub(crate) fn time_ordered_id(time: Timestamp, seed: u64) -> EpisodeId {
    let mut random = fastrand::Rng::with_seed(seed);
    let bytes = std::array::from_fn(|_| random.u8(..));
    let millis = u64::try_from(time.as_micros() / 1_000).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().into()
}
