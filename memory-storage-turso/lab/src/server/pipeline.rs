//! The requests of a pipeline, one after the other on one stream.

use std::sync::Arc;

use libsql_hrana::proto::{self, StreamRequest, StreamResponse, StreamResult};

use super::budget::Budget;
use super::collect::Collected;
use super::failure::{Failure, Rejection, error, response_too_large};
use super::program::{self, Step, Version, sql_of};
use super::run::{self, Interruption};
use super::stream::{Lease, Streams};
use crate::lock::lock;

/// How many SQL texts a stream may store, and how long each may be.
const STORED_SQLS: usize = 50;
const STORED_SQL_SIZE: usize = 5_000;

/// Answers a whole pipeline. Blocks.
pub(super) fn answer(
    streams: &Streams,
    budget: &Budget,
    body: proto::PipelineReqBody,
    version: Version,
) -> Result<proto::PipelineRespBody, Failure> {
    let lease = streams.lease(body.baton.as_deref())?;
    let mut pipeline = Pipeline { streams, budget, lease, version };
    let mut results = Vec::with_capacity(body.requests.len());
    for request in body.requests {
        results.push(match pipeline.handle(request) {
            Ok(response) => StreamResult::Ok { response },
            Err(Rejection::Part(error)) => StreamResult::Error { error },
            Err(Rejection::Request(failure)) => return Err(failure),
        });
    }
    Ok(proto::PipelineRespBody { baton: pipeline.lease.release(), base_url: None, results })
}

struct Pipeline<'a> {
    streams: &'a Streams,
    budget: &'a Budget,
    lease: Lease<'a>,
    version: Version,
}

impl Pipeline<'_> {
    fn handle(&mut self, request: StreamRequest) -> Result<StreamResponse, Rejection> {
        Ok(match request {
            StreamRequest::None => return Err(Failure::protocol("StreamRequest type not recognized").into()),
            StreamRequest::Close(_) => {
                self.lease.close();
                StreamResponse::Close(proto::CloseStreamResp {})
            }
            StreamRequest::Execute(request) => {
                let result = self.execute(request.stmt)?;
                StreamResponse::Execute(proto::ExecuteStreamResp { result })
            }
            StreamRequest::Batch(request) => {
                let result = self.batch(request.batch)?;
                StreamResponse::Batch(proto::BatchStreamResp { result })
            }
            StreamRequest::Sequence(request) => {
                self.sequence(&request)?;
                StreamResponse::Sequence(proto::SequenceStreamResp {})
            }
            StreamRequest::Describe(request) => {
                let stream = self.lease.stream()?;
                let sql = sql_of(request.sql.as_deref(), request.sql_id, &stream.sqls)?;
                let result = run::describe(sql, stream.database()?)?;
                StreamResponse::Describe(proto::DescribeStreamResp { result })
            }
            StreamRequest::StoreSql(request) => {
                self.store_sql(request)?;
                StreamResponse::StoreSql(proto::StoreSqlStreamResp {})
            }
            StreamRequest::CloseSql(request) => {
                self.lease.stream()?.sqls.remove(&request.sql_id);
                StreamResponse::CloseSql(proto::CloseSqlStreamResp {})
            }
            StreamRequest::GetAutocommit(_) => {
                self.version.require_three("The `get_autocommit` request")?;
                let is_autocommit = lock(self.lease.stream()?.database()?).is_autocommit();
                StreamResponse::GetAutocommit(proto::GetAutocommitStreamResp { is_autocommit })
            }
        })
    }

    fn execute(&mut self, statement: proto::Stmt) -> Result<proto::StmtResult, Rejection> {
        let step = Step::new(statement, &self.lease.stream()?.sqls)?;
        let result = self.run(&[step])?.into_single()?;
        result.ok_or_else(|| Failure::Internal("the statement yielded no result".to_owned()).into())
    }

    fn batch(&mut self, batch: proto::Batch) -> Result<proto::BatchResult, Rejection> {
        let steps = program::batch(batch, &self.lease.stream()?.sqls, self.version)?;
        Ok(self.run(&steps)?.into_batch())
    }

    fn sequence(&mut self, request: &proto::SequenceStreamReq) -> Result<(), Rejection> {
        let sqls = &self.lease.stream()?.sqls;
        let steps = program::sequence(sql_of(request.sql.as_deref(), request.sql_id, sqls)?)?;
        self.run(&steps)?.into_error().map_or(Ok(()), |error| Err(error.into()))
    }

    fn run(&mut self, steps: &[Step]) -> Result<Collected, Rejection> {
        let stream = self.lease.stream()?;
        let database = Arc::clone(stream.database()?);
        let mut collected = Collected::new(self.budget.clone());
        match run::run(steps, stream.id, &database, &self.streams.lane, &mut collected) {
            Ok(()) => Ok(collected),
            Err(Interruption::TooLarge) => Err(response_too_large().into()),
            Err(Interruption::Failed(failure)) => Err(failure.into()),
            Err(Interruption::Gone) => Err(Failure::Internal("nobody to answer".to_owned()).into()),
        }
    }

    fn store_sql(&mut self, request: proto::StoreSqlStreamReq) -> Result<(), Rejection> {
        let sqls = &mut self.lease.stream()?.sqls;
        let count = sqls.len();
        if sqls.contains_key(&request.sql_id) {
            return Err(Failure::protocol(format!("SQL text {} already exists", request.sql_id)).into());
        }
        if count >= STORED_SQLS {
            let message = format!("The server already stores {count} SQL texts, it cannot store more");
            return Err(error("SQL_STORE_TOO_MANY", message).into());
        }
        if request.sql.len() > STORED_SQL_SIZE {
            let message = format!("The statement is too large to be stored: {} bytes", request.sql.len());
            return Err(error("SQL_STORE_TOO_LARGE", message).into());
        }
        sqls.insert(request.sql_id, request.sql);
        Ok(())
    }
}
