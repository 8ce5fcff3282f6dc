//! `turso_serverless`.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use memory_core::{Episode, EpisodeId, Pattern};
use tokio::task::JoinSet;
use turso_serverless::{
    BatchStatement, Builder, Connection, Row, TransactionBehavior, Value, params_from_iter as positional,
};

use super::address::ServerAddress;
use super::input::PageOf;
use super::sql;
use super::system::{Episodes, System, join};
use crate::row::{self, Cells};

/// One connection, kept; batches by its own transactional batch.
pub(crate) struct Serverless(Connection);

impl Serverless {
    pub(crate) async fn open(address: &ServerAddress) -> Result<Self> {
        let mut builder = Builder::new_remote(address.url.as_str());
        if !address.token.is_empty() {
            builder = builder.with_auth_token(address.token.as_str());
        }
        Ok(Self(builder.build().await?.connect()?))
    }

    async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Episodes> {
        let mut rows = self.0.query(sql, positional(values)).await?;
        let mut episodes = Vec::new();
        while let Some(row) = rows.next().await? {
            episodes.push(Arc::new(row::episode(&row)?));
        }
        Ok(episodes)
    }
}

async fn get(connection: &Connection, id: EpisodeId) -> Result<Arc<Episode>> {
    let mut rows = connection.query(sql::GET, (id.to_string(),)).await?;
    let row = rows.next().await?.context("an episode is missing")?;
    Ok(Arc::new(row::episode(&row)?))
}

impl System for Serverless {
    const NAME: &'static str = "turso_serverless";
    const CONCURRENCY: Option<&'static str> = Some("one connection, on which they queue");

    async fn warm_up(&self) -> Result<()> {
        // Where its stream has expired this fails, and begins a new one.
        if self.0.query("SELECT 1", ()).await.is_err() {
            self.0.query("SELECT 1", ()).await?;
        }
        Ok(())
    }

    async fn get(&self, id: EpisodeId) -> Result<Arc<Episode>> {
        get(&self.0, id).await
    }

    async fn get_batch(&self, ids: &[EpisodeId]) -> Result<Episodes> {
        self.query(sql::GET_BATCH, vec![Value::Text(serde_json::to_string(ids)?)]).await
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
        if let [episode] = episodes {
            self.0.execute(sql::UPSERT, values(row::values(episode)?)).await?;
            return Ok(());
        }
        self.commit(episodes, &[]).await
    }

    async fn commit(&self, episodes: &[Episode], patterns: &[Pattern]) -> Result<()> {
        let mut statements = Vec::with_capacity(episodes.len() + patterns.len());
        for episode in episodes {
            statements.push(BatchStatement::new(sql::UPSERT, values(row::values(episode)?))?);
        }
        for pattern in patterns {
            statements.push(BatchStatement::new(sql::UPSERT_PATTERN, values(sql::pattern(pattern)?))?);
        }
        self.0.transactional_batch(statements, TransactionBehavior::Immediate).await?;
        Ok(())
    }

    async fn query_metadata(&self, session: &str) -> Result<Episodes> {
        self.query(sql::BY_SESSION, vec![Value::Text(session.to_owned())]).await
    }

    async fn query_page(&self, page: &PageOf) -> Result<Episodes> {
        let after = [Value::Integer(page.after_time.as_micros()), Value::Text(page.after_id.to_string())];
        let values = std::iter::once(Value::Text(page.domain.clone())).chain(after).collect();
        self.query(sql::PAGE, values).await
    }
}

fn values(values: Vec<libsql::Value>) -> impl turso_serverless::IntoParams {
    positional(values.into_iter().map(|value| match value {
        libsql::Value::Null => Value::Null,
        libsql::Value::Integer(integer) => Value::Integer(integer),
        libsql::Value::Real(real) => Value::Real(real),
        libsql::Value::Text(text) => Value::Text(text),
        libsql::Value::Blob(blob) => Value::Blob(blob),
    }))
}

impl Cells for Row {
    fn text(&self, column: usize) -> Result<Cow<'_, str>> {
        match self.get_value(column)? {
            Value::Text(text) => Ok(text.into()),
            other => bail!("column {column} is no text but {other:?}"),
        }
    }

    fn is_null(&self, column: usize) -> Result<bool> {
        Ok(self.get_value(column)?.is_null())
    }

    fn integer(&self, column: usize) -> Result<i64> {
        Ok(self.get(column)?)
    }
}
