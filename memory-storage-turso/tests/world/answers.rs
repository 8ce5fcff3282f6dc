//! A server that says the same to everyone.

#![allow(dead_code, unreachable_pub, reason = "not every test program uses all of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub struct Answers {
    pub url: String,
    requests: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Answers {
    /// Answers every request with these bytes, and closes the connection.
    pub async fn with(answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<AtomicU64>::default();
        let (answer, counter) = (Arc::new(answer), Arc::clone(&requests));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (answer, counter) = (Arc::clone(&answer), Arc::clone(&counter));
                tokio::spawn(async move { say(client, &answer, &counter).await });
            }
        });
        Self { url, requests, accepting }
    }

    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A client that leaves early is none of this server's business.
async fn say(mut client: TcpStream, answer: &[u8], counter: &AtomicU64) -> Option<()> {
    let mut request = Vec::new();
    let head = loop {
        if let Some(at) = request.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        read(&mut client, &mut request).await?;
    };
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"))?;
    let length: usize = length.trim().parse().ok()?;
    while request.len() < head + length {
        read(&mut client, &mut request).await?;
    }
    counter.fetch_add(1, Ordering::Relaxed);
    client.write_all(answer).await.ok()?;
    client.shutdown().await.ok()
}

async fn read(client: &mut TcpStream, request: &mut Vec<u8>) -> Option<()> {
    (client.read_buf(request).await.ok()? > 0).then_some(())
}

/// An answer with this status line, these headers and this body.
pub fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        for part in [name, ": ", value, "\r\n"] {
            head.push_str(part);
        }
    }
    [head.as_bytes(), b"\r\n", body].concat()
}
