//! Trajectories in the format of τ-bench.

use std::path::Path;

use memory_core::Record;
use serde_json::{Map, Value};

use super::{Trajectories, Trajectory};
use crate::InputError;

impl Trajectories {
    /// Reads a file of τ-bench's historical trajectories: a JSON array of
    /// `{task_id, reward, info, traj, trial}`, where `traj` is a chat with tool
    /// calls. Of `info` only the user's id is kept, if it is there.
    ///
    /// # Errors
    ///
    /// One line that names the file and, for a broken trajectory, its index
    /// and, for a broken message, the message's, both from 0.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        let about = |reason: String| InputError::new(format!("{}: {reason}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| about(error.to_string()))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| about(format!("not JSON: {error}")))?;
        let Value::Array(entries) = value else {
            return Err(about("a JSON array of trajectories is wanted".to_owned()));
        };
        if entries.is_empty() {
            return Err(about("there are no trajectories in it".to_owned()));
        }
        let episodes = (0_u64..).zip(entries).map(|(index, entry)| {
            let episode = Trajectory::read(entry).and_then(|trajectory| {
                let episode = trajectory.episode(index).map_err(|error| error.to_string())?;
                episode.validate().map_err(|error| error.to_string())?;
                Ok(episode)
            });
            episode.map_err(|reason| about(format!("trajectory {index}: {reason}")))
        });
        Ok(Self::new(path.display().to_string(), episodes.collect::<Result<_, _>>()?))
    }
}

impl Trajectory {
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

    fn read(name: &str, text: &str) -> Result<Trajectories, String> {
        let path: PathBuf = std::env::temp_dir().join(format!("memory-benches-{}-{name}.json", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let read = Trajectories::read(&path);
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
        let read = read("good", &json!([entry(), partial, failed]).to_string()).unwrap();
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
        assert!(read("empty", "").unwrap_err().starts_with("not JSON: EOF"));
        assert!(read("cut", "[{\"task_id\": 1,").unwrap_err().starts_with("not JSON: EOF"));
        assert!(read("object", "{}").unwrap_err().contains("array of trajectories is wanted"));
        assert!(read("none", "[]").unwrap_err().contains("no trajectories"));
        let missing = Trajectories::read(Path::new("no such file.json")).unwrap_err().to_string();
        assert!(missing.starts_with("no such file.json: "), "{missing}");
    }

    #[test]
    fn a_broken_trajectory_is_named_by_its_index() {
        let refusal = |name: &str, change: &dyn Fn(&mut Value)| {
            let mut broken = entry();
            change(&mut broken);
            let refused = read(name, &json!([entry(), entry(), broken, entry()]).to_string()).unwrap_err();
            refused.strip_prefix("trajectory 2: ").unwrap().to_owned()
        };
        assert_eq!(refusal("null", &|entry| *entry = Value::Null), "an object is wanted");
        let remove = |field: &'static str| move |entry: &mut Value| drop(entry.as_object_mut().unwrap().remove(field));
        assert_eq!(refusal("traj", &remove("traj")), "`traj` is missing");
        assert_eq!(refusal("reward", &|entry| entry["reward"] = Value::Null), "`reward` is not a number");
        assert_eq!(refusal("trial", &|entry| entry["trial"] = json!(-1)), "`trial` is not a count");
        assert_eq!(refusal("list", &|entry| entry["traj"] = json!("x")), "`traj` is not a list of messages");
        let role = refusal("role", &|entry| entry["traj"][1]["role"] = json!("wizard"));
        assert!(role.starts_with("traj[1]: ") && role.contains("wizard"), "{role}");
        let answer = refusal("answer", &|entry| entry["traj"][3]["tool_call_id"] = json!("other"));
        assert!(answer.contains("messages[3].tool_call_id"), "{answer}");
        let large = refusal("large", &|entry| entry["traj"][3]["content"] = json!("x".repeat(5 << 20)));
        assert!(large.contains("bytes of content"), "{large}");
    }
}
