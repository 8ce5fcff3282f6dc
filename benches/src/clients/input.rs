//! The episodes that are stored and asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use memory_core::field::{domain, metadata};
use memory_core::{Cursor, Episode, EpisodeId, Latency, Page, Pattern, PatternKind, Query, TaskContext, Timestamp};
use uuid::Uuid;

use crate::population::{pad, population};

/// Episodes that are there to be read.
const POPULATION: usize = 500;
/// Episodes of one session, and so what a metadata query finds.
const PER_SESSION: usize = 10;
const DOMAINS: usize = 4;
/// Records of one page.
pub(crate) const PAGE: usize = 50;
/// The most episodes that one call stores.
pub(crate) const MOST: usize = 1_000;

/// One kind of episodes, and what there is to ask about them.
pub(crate) struct Input {
    /// What is added to the names of operations.
    pub(crate) suffix: &'static str,
    /// What is there to be read.
    pub(crate) population: Vec<Arc<Episode>>,
    /// By session, newest first.
    pub(crate) sessions: Vec<(String, Vec<Arc<Episode>>)>,
    /// A page of each domain that is not its first.
    pub(crate) pages: Vec<PageOf>,
    /// What is stored, under ids of its own each time.
    contents: Vec<Episode>,
}

/// A page of a domain's episodes, newest first, after the first.
pub(crate) struct PageOf {
    pub(crate) domain: String,
    /// What it comes after, as its storage says it.
    pub(crate) after: Option<Cursor>,
    /// The same by hand.
    pub(crate) after_time: Timestamp,
    pub(crate) after_id: EpisodeId,
    /// What it holds.
    pub(crate) episodes: Vec<Arc<Episode>>,
}

impl Input {
    /// Generated episodes of so many bytes as JSON, if that is enough for one.
    pub(crate) fn generated(seed: u64, bytes: usize) -> Result<Self> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut episodes = population(seed, MOST)?;
        episodes.iter_mut().try_for_each(|episode| pad(&mut random, episode, bytes))?;
        Self::of("", &episodes)
    }

    /// Real ones.
    pub(crate) fn real(episodes: &[Episode]) -> Result<Self> {
        Self::of("/real", episodes)
    }

    fn of(suffix: &'static str, contents: &[Episode]) -> Result<Self> {
        // Nobody else's records answer to these names, and nothing of another run.
        let run = Uuid::new_v4().simple().to_string();
        let contents: Vec<_> = contents.iter().cycle().take(MOST).cloned().collect();
        let population = contents.iter().take(POPULATION).enumerate();
        let population: Vec<_> = population
            .map(|(number, episode)| {
                let mut episode = renamed(episode);
                episode.context.domain = format!("{run}-{}", number % DOMAINS);
                episode.metadata.insert("session", format!("{run}-{}", number / PER_SESSION));
                Arc::new(episode)
            })
            .collect();
        let sessions = newest_first(&population, |episode| {
            episode.metadata.get("session").and_then(|session| session.as_str()).unwrap_or_default().to_owned()
        });
        let domains = newest_first(&population, |episode| episode.context.domain.clone());
        let pages =
            domains.into_iter().map(|(domain, episodes)| PageOf::of(domain, &episodes)).collect::<Result<_>>()?;
        Ok(Self { suffix, population, sessions: sessions.into_iter().collect(), pages, contents })
    }

    /// So many episodes that are not stored yet.
    pub(crate) fn fresh(&self, count: usize) -> Vec<Episode> {
        self.contents.iter().take(count).map(renamed).collect()
    }
}

impl PageOf {
    fn of(domain: String, episodes: &[Arc<Episode>]) -> Result<Self> {
        let (before, rest) = episodes.split_at(PAGE.min(episodes.len()));
        let last = before.last().context("a domain without episodes")?;
        let (after_time, after_id) = (last.start_time, last.id);
        let first = Page::new(&by_domain(&domain), before.to_vec(), true);
        let episodes = rest.iter().take(PAGE).cloned().collect();
        Ok(Self { domain, after: first.next, after_time, after_id, episodes })
    }
}

/// The episodes of a session, newest first.
pub(crate) fn by_session(session: &str) -> Query<Episode> {
    Query::new().filter(metadata("session").eq(session.to_owned())).limit(PAGE)
}

/// The episodes of a domain, newest first, in pages.
pub(crate) fn by_domain(name: &str) -> Query<Episode> {
    Query::new().filter(domain().eq(name.to_owned())).limit(PAGE)
}

/// A pattern for each episode, with an id of its own each time.
pub(crate) fn patterns(episodes: &[Episode]) -> Vec<Pattern> {
    let pattern = |episode: &Episode| {
        let tools = episode.steps.iter().map(|step| step.tool.clone()).take(4).collect();
        let kind = PatternKind::ToolSequence { tools, average_latency: Latency::default() };
        Pattern::new(TaskContext::new(episode.context.domain.as_str()), kind)
    };
    episodes.iter().map(pattern).collect()
}

fn renamed(episode: &Episode) -> Episode {
    let mut episode = episode.clone();
    episode.id = EpisodeId::new();
    episode
}

fn newest_first(episodes: &[Arc<Episode>], name: impl Fn(&Episode) -> String) -> BTreeMap<String, Vec<Arc<Episode>>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for episode in episodes {
        groups.entry(name(episode)).or_default().push(Arc::clone(episode));
    }
    for group in groups.values_mut() {
        group.sort_by_key(|episode| std::cmp::Reverse((episode.start_time, episode.id)));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_episodes_have_the_size_asked_for() {
        let input = Input::generated(1, 2_000).unwrap();
        let episodes = input.fresh(MOST);
        let sizes: Vec<_> = episodes.iter().map(|episode| serde_json::to_string(episode).unwrap().len()).collect();
        assert!(sizes.len() == MOST && sizes.iter().all(|size| size.abs_diff(2_000) < 20), "{sizes:?}");
    }

    #[test]
    fn what_is_asked_for_is_there() {
        let input = Input::generated(1, 1_000).unwrap();
        assert_eq!((input.sessions.len(), input.pages.len()), (POPULATION / PER_SESSION, DOMAINS));
        assert!(input.sessions.iter().all(|(_, episodes)| episodes.len() == PER_SESSION));
        assert!(input.pages.iter().all(|page| page.episodes.len() == PAGE && page.after.is_some()));
    }
}
