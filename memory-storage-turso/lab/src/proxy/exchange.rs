//! One client connection: its requests, what befalls them, and the answers.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::answer::Reply;
use super::counters::InFlight;
use super::fault::{Answer, Close, Delivery, Ending, Fault, Point};
use super::head::Expect;
use super::line::Line;
use super::message::{Message, Reader};
use super::tunnel;
use super::upstream::Upstream;

/// A piece of a giant body.
const PADDING: &[u8] = &[b' '; 64 * 1024];

/// Serves a client until it leaves or a fault ends the connection.
///
/// An error means that either side broke the connection off. There is nobody
/// to report it to: the other side will see it.
pub(super) async fn serve(client: TcpStream, line: &Line) -> io::Result<()> {
    line.tally.connection();
    client.set_nodelay(true)?;
    if line.script().refuses() {
        return client.set_zero_linger();
    }
    line.handshake().await;
    let (source, sink) = client.into_split();
    let mut exchange = Exchange { line, source: Reader::new(source), sink, upstream: Upstream::new(line.target) };
    match exchange.source.is_http().await? {
        None => Ok(()),
        Some(true) => exchange.requests().await,
        Some(false) => {
            let (source, read) = exchange.source.into_parts();
            tunnel::through(line, source, exchange.sink, read).await
        }
    }
}

struct Exchange<'a> {
    line: &'a Line,
    source: Reader<OwnedReadHalf>,
    sink: OwnedWriteHalf,
    upstream: Upstream,
}

/// How the connection goes on after an answer: `None` for as before.
type End = Option<Close>;

impl Exchange<'_> {
    async fn requests(mut self) -> io::Result<()> {
        while let Some(request) = self.source.next(Expect::Request).await? {
            self.line.tally.up(request.raw.len());
            let under_way = self.line.tally.request();
            self.line.open_gate().await;
            let fault = self.line.script().meet(&request.head.first, &request.head.path, &request.content());
            let end = match fault {
                None => self.pass(request, under_way).await?,
                Some(fault) => self.suffer(fault, request, under_way).await?,
            };
            match end {
                None => {}
                Some(Close::Fin) => return self.sink.shutdown().await,
                Some(Close::Rst) => {
                    self.sink.as_ref().set_zero_linger()?;
                    // Merely dropped, it would end the stream in order first.
                    self.sink.forget();
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn pass(&mut self, request: Message, under_way: InFlight<'_>) -> io::Result<End> {
        self.line.up.carry(request.raw.len()).await;
        let reply = Reply::real(self.upstream.ask(&request.raw, &request.head.first).await?);
        self.line.deliver_late_after_next().await;
        self.answer(&reply, request.closes(), under_way).await
    }

    async fn suffer(&mut self, fault: Fault, request: Message, under_way: InFlight<'_>) -> io::Result<End> {
        if fault.ending == Ending::Refused {
            return Ok(Some(Close::Rst));
        }
        self.line.up.carry(request.raw.len()).await;
        let closes = request.closes();
        let real = match fault.delivery {
            Delivery::Never => None,
            Delivery::Late(late) => {
                self.line.keep_for_later(late, request);
                None
            }
            Delivery::Now => {
                let edited = matches!(fault.answer, Answer::Edited(_));
                let asked = if edited { request.plain() } else { request.raw };
                let real = self.upstream.ask(&asked, &request.head.first).await?;
                self.line.deliver_late_after_next().await;
                Some(real)
            }
        };
        let reply = Reply::new(fault.answer, real);
        match fault.ending {
            Ending::Whole | Ending::Refused => self.answer(&reply, closes, under_way).await,
            Ending::Hang(point) => {
                self.send_until(&reply, point).await?;
                self.source.closed().await;
                Ok(Some(Close::Fin))
            }
            Ending::Cut(point, close) => {
                self.send_until(&reply, point).await?;
                Ok(Some(close))
            }
            Ending::Trickle(every) => {
                self.line.down.carry(0).await;
                drop(under_way);
                self.trickle(&reply.bytes, every).await?;
                Ok((closes || reply.closes).then_some(Close::Fin))
            }
        }
    }

    async fn answer(&mut self, reply: &Reply, closes: bool, under_way: InFlight<'_>) -> io::Result<End> {
        self.line.down.carry(reply.bytes.len()).await;
        // Before the client can send its next request.
        drop(under_way);
        self.send(&reply.bytes).await?;
        self.pad(reply.padding).await?;
        Ok((closes || reply.closes).then_some(Close::Fin))
    }

    async fn send_until(&mut self, reply: &Reply, point: Point) -> io::Result<()> {
        let bytes = reply.until(point);
        self.line.down.carry(bytes.len()).await;
        self.send(bytes).await
    }

    async fn pad(&mut self, mut padding: u64) -> io::Result<()> {
        while padding > 0 {
            let piece = &PADDING[..usize::try_from(padding).unwrap_or(usize::MAX).min(PADDING.len())];
            self.line.down.carry_more(piece.len()).await;
            self.send(piece).await?;
            padding -= piece.len() as u64;
        }
        Ok(())
    }

    async fn trickle(&mut self, bytes: &[u8], every: Duration) -> io::Result<()> {
        for byte in bytes {
            self.send(std::slice::from_ref(byte)).await?;
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = self.source.closed() => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.line.tally.down(bytes.len());
        self.sink.write_all(bytes).await
    }
}
