//! Servers that do one thing to every connection, and certificates for them.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::answers::answer;

/// An authority that signs certificates.
pub(crate) struct Authority {
    name: &'static str,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, key: KeyPair::generate().unwrap() }
    }

    fn parameters(&self) -> CertificateParams {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, self.name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters
    }

    /// Writes its certificate and its key.
    pub(crate) fn save(&self, folder: &Path) {
        let certificate = self.parameters().self_signed(&self.key).unwrap();
        fs::write(folder.join("authority.pem"), certificate.pem()).unwrap();
        fs::write(folder.join("authority.key"), self.key.serialize_pem()).unwrap();
    }

    pub(crate) fn load(name: &'static str, folder: &Path) -> Self {
        let key = fs::read_to_string(folder.join("authority.key")).unwrap();
        Self { name, key: KeyPair::from_pem(&key).unwrap() }
    }

    /// A certificate for `name`, valid between these years.
    pub(crate) fn certificate(&self, name: &str, from: i32, to: i32) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
        (parameters.not_before, parameters.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        let signed = parameters.signed_by(&key, &Issuer::new(self.parameters(), &self.key)).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![signed.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap()
    }
}

pub(crate) struct Peer {
    port: u16,
    connections: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Peer {
    async fn serving<F: Future<Output = Option<()>> + Send>(
        serve: impl Fn(TcpStream) -> F + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&connections);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let serve = serve.clone();
                tokio::spawn(async move { serve(client).await });
            }
        });
        Self { port, connections, accepting }
    }

    /// Reads the start of what comes, says this and hangs up.
    pub(crate) async fn saying(words: &'static [u8]) -> Self {
        Self::serving(move |mut client| async move {
            client.read_buf(&mut Vec::with_capacity(1 << 14)).await.ok()?;
            client.write_all(words).await.ok()?;
            client.shutdown().await.ok()
        })
        .await
    }

    /// Answers over TLS that there is no schema.
    pub(crate) async fn tls(config: ServerConfig) -> Self {
        let body = br#"{"results":[{"type":"ok","response":{"type":"batch","result":{
            "step_results":[null],"step_errors":[{"message":"no such table"}]}}}]}"#;
        let said = Arc::new(answer("200 OK", &[], body));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::serving(move |client| {
            let (acceptor, said) = (acceptor.clone(), Arc::clone(&said));
            async move {
                let mut client = acceptor.accept(client).await.ok()?;
                let mut request = Vec::new();
                while !request.ends_with(b"]}") {
                    (client.read_buf(&mut request).await.ok()? > 0).then_some(())?;
                }
                client.write_all(&said).await.ok()?;
                client.shutdown().await.ok()
            }
        })
        .await
    }

    /// Resets each stream of HTTP/2 with this code, once its head is there.
    pub(crate) async fn resetting(mut config: ServerConfig, code: u8) -> Self {
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::serving(move |client| {
            let acceptor = acceptor.clone();
            async move {
                const HEADERS: u8 = 1;
                let mut client = acceptor.accept(client).await.ok()?;
                let mut preface = [0; 24];
                client.read_exact(&mut preface).await.ok()?;
                // An empty SETTINGS frame.
                client.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.ok()?;
                loop {
                    let mut head = [0; 9];
                    client.read_exact(&mut head).await.ok()?;
                    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
                    client.read_exact(&mut vec![0; length]).await.ok()?;
                    if head[3] == HEADERS {
                        let stream = &head[5..];
                        let reset = [&[0, 0, 4, 3, 0], stream, &[0, 0, 0, code]].concat();
                        client.write_all(&reset).await.ok()?;
                    }
                }
            }
        })
        .await
    }

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}", self.port)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
