//! A peer's side of the pipe.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use memory_core::Episode;

use crate::{Calls, Ran, Reply, Request};

/// Somebody else's storage with a database open.
pub trait Peer: Sized {
    /// Opens a database by its path or URL, and creates what is missing in it.
    ///
    /// # Errors
    ///
    /// Its own.
    fn open(database: &str, token: &str) -> Result<Self>;

    /// Keeps these episodes for calls to store, in place of those before.
    ///
    /// # Errors
    ///
    /// Where one cannot be made a record of its own.
    fn keep(&mut self, episodes: Vec<Episode>) -> Result<()>;

    /// Does these calls, most conveniently through [`clocked`].
    ///
    /// # Errors
    ///
    /// Its own first one; and where it cannot do such calls at all.
    fn run(&mut self, calls: &Calls, unclocked: usize) -> Result<Ran>;
}

/// Answers every request until there are no more.
///
/// What a peer fails with is a reply, and so is what is wrong with a request.
///
/// # Errors
///
/// Where requests cannot be read or replies not be written: who asked is gone.
pub fn serve<P: Peer>(requests: impl BufRead, mut replies: impl Write) -> Result<()> {
    let mut peer = None;
    for request in requests.lines() {
        let request = request.context("read a request")?;
        let reply = match answer::<P>(&mut peer, &request) {
            Ok(reply) => reply,
            Err(error) => Reply::Failed { reason: format!("{error:#}") },
        };
        serde_json::to_writer(&mut replies, &reply).context("write a reply")?;
        replies.write_all(b"\n").and_then(|()| replies.flush()).context("write a reply")?;
    }
    Ok(())
}

fn answer<P: Peer>(peer: &mut Option<P>, request: &str) -> Result<Reply> {
    let request = serde_json::from_str(request).context("not a request")?;
    if let Request::Open { database, token } = &request {
        // The one before lets go of its files first.
        *peer = None;
        *peer = Some(P::open(database, token)?);
        return Ok(Reply::Done);
    }
    let peer = peer.as_mut().context("no database is open")?;
    match request {
        Request::Open { .. } => Ok(Reply::Done),
        Request::Keep { episodes } => peer.keep(episodes).map(|()| Reply::Done),
        Request::Run { unclocked, calls } => peer.run(&calls, unclocked).map(Reply::Ran),
    }
}

/// Does calls, all but the first few under the clock, and gives back their time
/// and what the last of them did.
///
/// # Errors
///
/// The first error of `operate`; and where more are to be outside the clock
/// than there are.
pub async fn clocked<C, T>(
    calls: &[C],
    unclocked: usize,
    mut operate: impl AsyncFnMut(&C) -> Result<T>,
) -> Result<(Duration, Option<T>)> {
    let all = calls.len();
    let (before, calls) =
        calls.split_at_checked(unclocked).with_context(|| format!("{unclocked} of {all} calls outside the clock"))?;
    for call in before {
        operate(call).await?;
    }
    let mut last = None;
    let start = Instant::now();
    for call in calls {
        last = Some(operate(call).await?);
    }
    Ok((start.elapsed(), last))
}

#[cfg(test)]
mod tests {
    use anyhow::{bail, ensure};
    use memory_core::{EpisodeId, TaskContext, TaskType};
    use pollster::block_on;
    use serde_json::{Value, json};

    use super::*;
    use crate::Found;

    /// Finds what it keeps.
    struct InMemory {
        kept: Vec<Episode>,
    }

    impl Peer for InMemory {
        fn open(database: &str, token: &str) -> Result<Self> {
            ensure!(token == "secret", "{database}: refused");
            Ok(Self { kept: Vec::new() })
        }

        fn keep(&mut self, episodes: Vec<Episode>) -> Result<()> {
            self.kept = episodes;
            Ok(())
        }

        fn run(&mut self, calls: &Calls, unclocked: usize) -> Result<Ran> {
            let Calls::Get(ids) = calls else { bail!("does not do that") };
            let (elapsed, last) = block_on(clocked(ids, unclocked, async |id| {
                Ok(self.kept.iter().filter(|episode| episode.id == *id).cloned().map(Into::into).collect())
            }))?;
            Ok(Ran::new(elapsed, last.unwrap_or_default()))
        }
    }

    fn replies(requests: &[Value]) -> Vec<Reply> {
        let requests: Vec<_> = requests.iter().map(ToString::to_string).collect();
        let mut replies = Vec::new();
        serve::<InMemory>(requests.join("\n").as_bytes(), &mut replies).unwrap();
        String::from_utf8(replies).unwrap().lines().map(|reply| serde_json::from_str(reply).unwrap()).collect()
    }

    fn failed(reason: &str) -> Reply {
        Reply::Failed { reason: reason.to_owned() }
    }

    #[test]
    fn every_request_is_one_line_and_so_is_its_reply() {
        let episode = Episode::new("Fix\nit", TaskContext::new("web"), TaskType::Debugging);
        let [id, other] = [episode.id, EpisodeId::new()];
        let open = json!({"open": {"database": "memory.db", "token": "secret"}});
        let keep = json!({"keep": {"episodes": [episode]}});
        let get = json!({"run": {"unclocked": 1, "calls": {"get": [other, id]}}});
        let replies = replies(&[open, keep, get]);
        assert_eq!(replies[..2], [Reply::Done, Reply::Done]);
        let Reply::Ran(ran) = &replies[2] else { panic!("{replies:?}") };
        assert_eq!(ran.found, [Found::from(episode)]);
    }

    #[test]
    fn what_is_wrong_is_a_reply_and_the_next_request_is_answered() {
        let refused = json!({"open": {"database": "memory.db", "token": ""}});
        let open = json!({"open": {"database": "memory.db", "token": "secret"}});
        let run = |calls| json!({"run": {"unclocked": 1, "calls": calls}});
        let get = run(json!({"get": [EpisodeId::new()]}));
        let store = run(json!({"store": [{"start": 0, "end": 1}]}));
        let replies =
            replies(&[json!("nonsense"), get.clone(), refused, get.clone(), open, store, run(json!({"get": []})), get]);
        let Reply::Failed { reason } = &replies[0] else { panic!("{replies:?}") };
        assert!(reason.starts_with("not a request: "), "{reason}");
        assert_eq!(replies[1], failed("no database is open"));
        assert_eq!(replies[2], failed("memory.db: refused"));
        assert_eq!(replies[3], failed("no database is open"));
        assert_eq!(replies[4], Reply::Done);
        assert_eq!(replies[5], failed("does not do that"));
        assert_eq!(replies[6], failed("1 of 0 calls outside the clock"));
        let Reply::Ran(ran) = &replies[7] else { panic!("{replies:?}") };
        assert_eq!(ran.found, [], "no call was by the clock");
    }

    #[test]
    fn whoever_does_not_listen_any_more_ends_it() {
        let mut full = [0; 3];
        let error = serve::<InMemory>(&b"{}\n"[..], &mut full[..]).unwrap_err();
        assert!(error.to_string().contains("write a reply"), "{error:#}");
    }
}
