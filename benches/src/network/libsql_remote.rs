//! libsql's own remote client, in three ways.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use hyper_0_14::client::HttpConnector;
use libsql::{Builder, Connection, Rows, Statement, TransactionBehavior, Value, params};
use memory_core::{Episode, EpisodeId, Pattern};
use tokio::task::JoinSet;

use super::input::PageOf;
use super::settings::ServerAddress;
use super::system::{Episodes, System, join};
use super::{BASELINE, sql};
use crate::row;

const QUEUES: &str = "one connection, on which they queue";

pub(super) async fn connect(address: &ServerAddress) -> Result<Connection> {
    ensure!(address.url.starts_with("http://"), "libsql's client is built without TLS here, for http:// servers only");
    // As the connector that libsql itself makes where it is built with TLS.
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    let builder = Builder::new_remote(address.url.clone(), address.token.clone()).connector(connector);
    Ok(builder.build().await?.connect()?)
}

/// Reads on to the end of the answer, as whoever knows that the HTTP connection
/// is thrown away otherwise.
async fn first(rows: Rows) -> Result<Arc<Episode>> {
    all(rows).await?.pop().context("an episode is missing")
}

async fn all(mut rows: Rows) -> Result<Episodes> {
    let mut episodes = Vec::new();
    while let Some(row) = rows.next().await? {
        episodes.push(Arc::new(row::episode(&row)?));
    }
    Ok(episodes)
}

fn list(ids: &[EpisodeId]) -> Result<[Value; 1]> {
    Ok([serde_json::to_string(ids)?.into()])
}

fn page_values(page: &PageOf) -> [Value; 3] {
    [page.domain.as_str().into(), page.after_time.as_micros().into(), page.after_id.to_string().into()]
}

async fn get(connection: &Connection, id: EpisodeId) -> Result<Arc<Episode>> {
    first(connection.query(sql::GET, params![id.to_string()]).await?).await
}

async fn query(connection: &Connection, sql: &str, values: impl libsql::params::IntoParams) -> Result<Episodes> {
    all(connection.query(sql, values).await?).await
}

/// One statement is a transaction by itself; more are executed one by one in one.
async fn store(connection: &Connection, episodes: &[Episode]) -> Result<()> {
    if let [episode] = episodes {
        connection.execute(sql::UPSERT, row::values::<Value>(episode)?).await?;
        return Ok(());
    }
    commit(connection, episodes, &[]).await
}

async fn commit(connection: &Connection, episodes: &[Episode], patterns: &[Pattern]) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).await?;
    for episode in episodes {
        transaction.execute(sql::UPSERT, row::values::<Value>(episode)?).await?;
    }
    for pattern in patterns {
        transaction.execute(sql::UPSERT_PATTERN, sql::pattern(pattern)?).await?;
    }
    Ok(transaction.commit().await?)
}

/// A new database, and with it a new connection, for each operation.
pub(super) struct NewConnection(pub(super) ServerAddress);

impl System for NewConnection {
    const NAME: &'static str = BASELINE;
    /// `BEGIN`, `COMMIT`, and one for the connection.
    const REQUEST_PER_RECORD: Option<usize> = Some(3);

    async fn warm_up(&self) -> Result<()> {
        Ok(())
    }

    async fn get(&self, id: EpisodeId) -> Result<Arc<Episode>> {
        get(&connect(&self.0).await?, id).await
    }

    async fn get_batch(&self, ids: &[EpisodeId]) -> Result<Episodes> {
        query(&connect(&self.0).await?, sql::GET_BATCH, list(ids)?).await
    }

    async fn get_concurrent(&self, ids: &[EpisodeId]) -> Result<Episodes> {
        let mut tasks = JoinSet::new();
        for &id in ids {
            let address = self.0.clone();
            tasks.spawn(async move { get(&connect(&address).await?, id).await });
        }
        join(tasks).await
    }

    async fn store(&self, episodes: &[Episode]) -> Result<()> {
        store(&connect(&self.0).await?, episodes).await
    }

    async fn commit(&self, episodes: &[Episode], patterns: &[Pattern]) -> Result<()> {
        commit(&connect(&self.0).await?, episodes, patterns).await
    }

    async fn query_metadata(&self, session: &str) -> Result<Episodes> {
        query(&connect(&self.0).await?, sql::BY_SESSION, [session]).await
    }

    async fn query_page(&self, page: &PageOf) -> Result<Episodes> {
        query(&connect(&self.0).await?, sql::PAGE, page_values(page)).await
    }
}

/// One connection, kept.
pub(super) struct Warm(Connection);

impl Warm {
    pub(super) async fn open(address: &ServerAddress) -> Result<Self> {
        Ok(Self(connect(address).await?))
    }
}

impl System for Warm {
    const NAME: &'static str = "libsql-warm";
    /// `BEGIN` and `COMMIT`.
    const REQUEST_PER_RECORD: Option<usize> = Some(2);
    const CONCURRENCY: Option<&'static str> = Some(QUEUES);

    async fn warm_up(&self) -> Result<()> {
        // After a rest the server has dropped the stream, which the client does not notice by itself.
        self.0.reset().await;
        let mut rows = self.0.query("SELECT 1", ()).await?;
        while rows.next().await?.is_some() {}
        Ok(())
    }

    async fn get(&self, id: EpisodeId) -> Result<Arc<Episode>> {
        get(&self.0, id).await
    }

    async fn get_batch(&self, ids: &[EpisodeId]) -> Result<Episodes> {
        query(&self.0, sql::GET_BATCH, list(ids)?).await
    }

    async fn get_concurrent(&self, ids: &[EpisodeId]) -> Result<Episodes> {
        let mut tasks = JoinSet::new();
        for &id in ids {
            let connection = self.0.clone();
            tasks.spawn(async move { get(&connection, id).await });
        }
        join(tasks).await
    }

    async fn store(&self, episodes: &[Episode]) -> Result<()> {
        store(&self.0, episodes).await
    }

    async fn commit(&self, episodes: &[Episode], patterns: &[Pattern]) -> Result<()> {
        commit(&self.0, episodes, patterns).await
    }

    async fn query_metadata(&self, session: &str) -> Result<Episodes> {
        query(&self.0, sql::BY_SESSION, [session]).await
    }

    async fn query_page(&self, page: &PageOf) -> Result<Episodes> {
        query(&self.0, sql::PAGE, page_values(page)).await
    }
}

/// One connection, and statements that are prepared once.
///
/// A statement fixes when it is prepared whether it ends the stream, and so a
/// transaction: inside one it has to be prepared again.
pub(super) struct Cached {
    warm: Warm,
    get: Arc<Statement>,
    get_batch: Statement,
    upsert: Statement,
    by_session: Statement,
    page: Statement,
}

impl Cached {
    pub(super) async fn open(address: &ServerAddress) -> Result<Self> {
        let connection = connect(address).await?;
        Ok(Self {
            get: Arc::new(connection.prepare(sql::GET).await?),
            get_batch: connection.prepare(sql::GET_BATCH).await?,
            upsert: connection.prepare(sql::UPSERT).await?,
            by_session: connection.prepare(sql::BY_SESSION).await?,
            page: connection.prepare(sql::PAGE).await?,
            warm: Warm(connection),
        })
    }
}

impl System for Cached {
    const NAME: &'static str = "libsql-cached-statement";
    /// `BEGIN`, `COMMIT`, and one to prepare.
    const REQUEST_PER_RECORD: Option<usize> = Some(3);
    const CONCURRENCY: Option<&'static str> = Some(QUEUES);

    async fn warm_up(&self) -> Result<()> {
        self.warm.warm_up().await
    }

    async fn get(&self, id: EpisodeId) -> Result<Arc<Episode>> {
        first(self.get.query([id.to_string()]).await?).await
    }

    async fn get_batch(&self, ids: &[EpisodeId]) -> Result<Episodes> {
        all(self.get_batch.query(list(ids)?).await?).await
    }

    async fn get_concurrent(&self, ids: &[EpisodeId]) -> Result<Episodes> {
        let mut tasks = JoinSet::new();
        for &id in ids {
            let get = Arc::clone(&self.get);
            tasks.spawn(async move { first(get.query([id.to_string()]).await?).await });
        }
        join(tasks).await
    }

    async fn store(&self, episodes: &[Episode]) -> Result<()> {
        if let [episode] = episodes {
            self.upsert.execute(row::values::<Value>(episode)?).await?;
            return Ok(());
        }
        self.commit(episodes, &[]).await
    }

    async fn commit(&self, episodes: &[Episode], patterns: &[Pattern]) -> Result<()> {
        let transaction = self.warm.0.transaction_with_behavior(TransactionBehavior::Immediate).await?;
        let upsert = transaction.prepare(sql::UPSERT).await?;
        for episode in episodes {
            upsert.execute(row::values::<Value>(episode)?).await?;
        }
        if !patterns.is_empty() {
            let upsert = transaction.prepare(sql::UPSERT_PATTERN).await?;
            for pattern in patterns {
                upsert.execute(sql::pattern(pattern)?).await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    async fn query_metadata(&self, session: &str) -> Result<Episodes> {
        all(self.by_session.query([session]).await?).await
    }

    async fn query_page(&self, page: &PageOf) -> Result<Episodes> {
        all(self.page.query(page_values(page)).await?).await
    }
}
