//! Trajectories in the format of τ-bench.

use std::path::Path;

use memory_core::{ChatNote, Episode, Record};
use serde_json::{Map, Value};

use super::{Oddities, Trajectories, Trajectory};
use crate::InputError;

impl Trajectories {
    /// Reads a file of τ-bench's historical trajectories: a JSON array of
    /// `{task_id, reward, info, traj, trial}`, where `traj` is a chat with tool
    /// calls. Of `info` only the user's id is kept, if it is there.
    ///
    /// A trajectory that holds no conversation (τ-bench writes `"traj": []` for
    /// a run that crashed), or is broken in another way, is skipped and among
    /// the [`Oddities`]; if `strict`, the file is refused instead.
    ///
    /// # Errors
    ///
    /// One line that names the file and, for a broken trajectory, its index
    /// and, for a broken message, the message's, both from 0.
    pub fn read(path: &Path, strict: bool) -> Result<Self, InputError> {
        let about = |reason: String| InputError::new(format!("{}: {reason}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| about(error.to_string()))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| about(format!("not JSON: {error}")))?;
        let Value::Array(entries) = value else {
            return Err(about("a JSON array of trajectories is wanted".to_owned()));
        };
        if entries.is_empty() {
            return Err(about("there are no trajectories in it".to_owned()));
        }
        let mut oddities = Oddities { trajectories: entries.len(), ..Oddities::default() };
        let mut episodes = Vec::with_capacity(entries.len());
        for (index, entry) in (0_u64..).zip(entries) {
            match Trajectory::read(entry).and_then(|trajectory| trajectory.valid_episode(index)) {
                Ok((episode, notes)) => {
                    oddities.notes.extend(notes.into_iter().map(|note| (index, note)));
                    episodes.push(episode);
                }
                Err(reason) if strict => return Err(about(format!("trajectory {index}: {reason}"))),
                Err(reason) => oddities.skipped.push((index, reason)),
            }
        }
        if let ([], Some((index, reason))) = (&episodes[..], oddities.skipped.first()) {
            return Err(about(format!("no trajectory can be read; trajectory {index}: {reason}")));
        }
        Ok(Self { oddities, ..Self::new(path.display().to_string(), episodes) })
    }
}

impl Trajectory {
    fn valid_episode(self, index: u64) -> Result<(Episode, Vec<ChatNote>), String> {
        let (episode, notes) = self.episode(index).map_err(|error| error.to_string())?;
        episode.validate().map_err(|error| error.to_string())?;
        Ok((episode, notes))
    }

    fn read(entry: Value) -> Result<Self, String> {
        let Value::Object(mut fields) = entry else {
            return Err("an object is wanted".to_owned());
        };
        let task_id = take(&mut fields, "task_id")?;
        if !task_id.is_string() && !task_id.is_i64() {
            return Err("`task_id` is neither an integer nor a text".to_owned());
        }
        let trial = take(&mut fields, "trial")?.as_u64().filter(|trial| i64::try_from(*trial).is_ok());
        let reward = take(&mut fields, "reward")?.as_f64();
        let Value::Array(traj) = take(&mut fields, "traj")? else {
            return Err("`traj` is not a list of messages".to_owned());
        };
        if traj.is_empty() {
            return Err("`traj` is empty".to_owned());
        }
        let messages = traj
            .into_iter()
            .enumerate()
            .map(|(index, message)| serde_json::from_value(message).map_err(|error| format!("traj[{index}]: {error}")));
        let user_id = fields.get("info").and_then(|info| info.pointer("/task/user_id")).and_then(Value::as_str);
        Ok(Self {
            task_id,
            trial: trial.ok_or("`trial` is not a count")?,
            reward: reward.ok_or("`reward` is not a number")?,
            user_id: user_id.map(str::to_owned),
            messages: messages.collect::<Result<_, _>>()?,
        })
    }
}

fn take(fields: &mut Map<String, Value>, field: &str) -> Result<Value, String> {
    fields.remove(field).ok_or_else(|| format!("`{field}` is missing"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;

    fn entry() -> Value {
        json!({"task_id": 7, "trial": 2, "reward": 1.0, "info": {"task": {"user_id": "mia"}}, "traj": [
            {"role": "system", "content": "Policy"},
            {"role": "user", "content": "Help."},
            {"role": "assistant", "content": null, "tool_calls":
                [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "name": "f", "content": "Error: no"},
        ]})
    }

    fn read(name: &str, text: &str, strict: bool) -> Result<Trajectories, String> {
        let path: PathBuf = std::env::temp_dir().join(format!("memory-benches-{}-{name}.json", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let read = Trajectories::read(&path, strict);
        std::fs::remove_file(&path).unwrap();
        read.map_err(|error| {
            let text = error.to_string();
            assert!(text.starts_with(&format!("{}: ", path.display())), "{text}");
            assert!(!text.contains('\n'), "{text}");
            text[path.display().to_string().len() + 2..].to_owned()
        })
    }

    #[test]
    fn a_trajectory_becomes_an_episode_with_its_reward_and_ids() {
        let mut partial = entry();
        partial["reward"] = json!(0.5);
        let mut failed = entry();
        failed["reward"] = json!(0);
        failed["task_id"] = json!("airline-7");
        let read = read("good", &json!([entry(), partial, failed]).to_string(), true).unwrap();
        let [success, partial, failed] = &read.episodes[..] else { panic!() };
        assert_eq!(success.task_description, "Help.");
        assert_eq!(success.outcome.as_ref().unwrap().name(), "success");
        assert_eq!(partial.outcome.as_ref().unwrap().name(), "partial_success");
        assert_eq!(failed.outcome.as_ref().unwrap().name(), "failure");
        assert_eq!(partial.reward.unwrap().total.to_bits(), 0.5_f64.to_bits());
        assert_eq!(success.metadata.get("session"), Some(&json!("7/2")));
        assert_eq!(success.metadata.get("user_id"), Some(&json!("mia")));
        assert_eq!(failed.metadata.get("session"), Some(&json!("airline-7/2")));
        assert!(success.id < partial.id && partial.id < failed.id);
        assert_eq!((read.shape.succeeded, read.shape.failed_steps), (1, 3));
    }

    #[test]
    fn what_is_no_list_of_trajectories_is_refused() {
        assert!(read("empty", "", false).unwrap_err().starts_with("not JSON: EOF"));
        assert!(read("cut", "[{\"task_id\": 1,", false).unwrap_err().starts_with("not JSON: EOF"));
        assert!(read("object", "{}", false).unwrap_err().contains("array of trajectories is wanted"));
        assert!(read("none", "[]", false).unwrap_err().contains("no trajectories"));
        let missing = Trajectories::read(Path::new("no such file.json"), false).unwrap_err().to_string();
        assert!(missing.starts_with("no such file.json: "), "{missing}");
    }

    #[test]
    fn a_broken_trajectory_is_named_by_its_index() {
        let refusal = |name: &str, change: &dyn Fn(&mut Value)| {
            let mut broken = entry();
            change(&mut broken);
            let refused = read(name, &json!([entry(), entry(), broken, entry()]).to_string(), true).unwrap_err();
            refused.strip_prefix("trajectory 2: ").unwrap().to_owned()
        };
        assert_eq!(refusal("null", &|entry| *entry = Value::Null), "an object is wanted");
        let remove = |field: &'static str| move |entry: &mut Value| drop(entry.as_object_mut().unwrap().remove(field));
        assert_eq!(refusal("traj", &remove("traj")), "`traj` is missing");
        assert_eq!(refusal("reward", &|entry| entry["reward"] = Value::Null), "`reward` is not a number");
        assert_eq!(refusal("trial", &|entry| entry["trial"] = json!(-1)), "`trial` is not a count");
        assert_eq!(refusal("list", &|entry| entry["traj"] = json!("x")), "`traj` is not a list of messages");
        assert_eq!(refusal("crashed", &|entry| entry["traj"] = json!([])), "`traj` is empty");
        let message = refusal("message", &|entry| entry["traj"][1] = json!("Help."));
        assert!(message.starts_with("traj[1]: "), "{message}");
        let role = refusal("role", &|entry| entry["traj"][1]["role"] = Value::Null);
        assert!(role.contains("messages[1].role"), "{role}");
        let call = refusal("call", &|entry| entry["traj"][2]["tool_calls"] = json!("f()"));
        assert!(call.contains("messages[2].tool_calls"), "{call}");
        let large = refusal("large", &|entry| entry["traj"][3]["content"] = json!("x".repeat(5 << 20)));
        assert!(large.contains("bytes of content"), "{large}");
    }

    #[test]
    fn what_holds_no_conversation_is_skipped_and_counted() {
        let mut crashed = entry();
        crashed["traj"] = json!([]);
        let mut odd = entry();
        odd["traj"][3]["tool_call_id"] = json!("other");
        let text = json!([crashed, entry(), crashed, odd]).to_string();
        let skipping = read("skipping", &text, false).unwrap();
        assert_eq!(skipping.episodes.len(), 2);
        let empty = |index| (index, "`traj` is empty".to_owned());
        assert_eq!(skipping.oddities.skipped, [empty(0), empty(2)]);
        assert_eq!(
            skipping.oddities.notes.iter().map(|(index, note)| (*index, note.message)).collect::<Vec<_>>(),
            [(3, 3)]
        );
        let printed = skipping.oddities.to_string();
        assert!(printed.starts_with("skipped 2 of 4 trajectories"), "{printed}");
        assert!(printed.contains("\n  trajectory 2: `traj` is empty\n"), "{printed}");
        assert_eq!(read("strict", &text, true).unwrap_err(), "trajectory 0: `traj` is empty");
        let nothing = read("nothing", &json!([crashed]).to_string(), false).unwrap_err();
        assert_eq!(nothing, "no trajectory can be read; trajectory 0: `traj` is empty");
    }
}
