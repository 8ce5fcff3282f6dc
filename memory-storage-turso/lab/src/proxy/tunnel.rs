//! Bytes that are not HTTP/1.1: delayed and counted, not understood.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::line::Line;
use super::link::{Link, until};

/// How many pieces may be under way each way, so that a slow reader slows the writer down.
const PIECES: usize = 64;

/// Passes everything between a client, of whom `read` has been read already, and the target.
pub(super) async fn through(line: &Line, source: OwnedReadHalf, sink: OwnedWriteHalf, read: Vec<u8>) -> io::Result<()> {
    let (from_server, to_server) = connect(line.target).await?;
    let up = carry(source, to_server, read, &line.up, |bytes| line.tally.up(bytes));
    let down = carry(from_server, sink, Vec::new(), &line.down, |bytes| line.tally.down(bytes));
    tokio::try_join!(up, down)?;
    Ok(())
}

async fn connect(target: SocketAddr) -> io::Result<(OwnedReadHalf, OwnedWriteHalf)> {
    let connection = TcpStream::connect(target).await?;
    connection.set_nodelay(true)?;
    Ok(connection.into_split())
}

/// Carries bytes one way until they end, and then passes the end on.
async fn carry(
    mut source: OwnedReadHalf,
    mut sink: OwnedWriteHalf,
    first: Vec<u8>,
    link: &Link,
    count: impl Fn(usize),
) -> io::Result<()> {
    let (send, mut receive) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES);
    let reading = async move {
        let mut piece = first;
        loop {
            if !piece.is_empty() {
                count(piece.len());
                let arrival = link.arrival(piece.len());
                if send.send((arrival, std::mem::take(&mut piece))).await.is_err() {
                    return Ok(());
                }
            }
            piece.reserve(16 * 1024);
            if source.read_buf(&mut piece).await? == 0 {
                return Ok(());
            }
        }
    };
    let writing = async move {
        while let Some((arrival, piece)) = receive.recv().await {
            until(arrival).await;
            sink.write_all(&piece).await?;
        }
        sink.shutdown().await
    };
    tokio::try_join!(reading, writing)?;
    Ok(())
}
