//! The proxy's own side of the line: the server, asked once for every request.

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::head::Expect;
use super::message::{Message, Reader};

/// A connection to the server, made when it is first needed.
///
/// It never asks twice: a repetition would be one that the client did not make.
#[derive(Debug)]
pub(super) struct Upstream {
    target: SocketAddr,
    connection: Option<(Reader<OwnedReadHalf>, OwnedWriteHalf)>,
}

impl Upstream {
    pub(super) fn new(target: SocketAddr) -> Self {
        Self { target, connection: None }
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn ask(&mut self, request: &[u8], method: &str) -> io::Result<Message> {
        let (mut source, mut sink) = match self.connection.take() {
            Some(connection) => connection,
            None => connect(self.target).await?,
        };
        sink.write_all(request).await?;
        let to_head = method == "HEAD";
        let answer = loop {
            let answer = source.next(Expect::Response { to_head }).await?;
            let answer = answer.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
            // What is informational precedes the answer.
            if !answer.head.first.starts_with('1') {
                break answer;
            }
        };
        if !answer.closes() {
            self.connection = Some((source, sink));
        }
        Ok(answer)
    }
}

pub(super) async fn connect(target: SocketAddr) -> io::Result<(Reader<OwnedReadHalf>, OwnedWriteHalf)> {
    let connection = TcpStream::connect(target).await?;
    connection.set_nodelay(true)?;
    let (source, sink) = connection.into_split();
    Ok((Reader::new(source), sink))
}
