//! Where the server is, and what it may be told.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use memory_core::{Error, Result};
use reqwest::Url;
use reqwest::header::HeaderValue;

/// The address of a Hrana 3 server.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pipeline: Url,
    /// The host, and the port if it is given.
    host: String,
}

impl Endpoint {
    /// Reads `libsql://`, `https://` and `http://` addresses. The last is for
    /// servers on this machine, or without a token: anybody on the way could
    /// read it.
    pub(crate) fn parse(url: &str, has_token: bool) -> Result<Self> {
        let refused = |reason: &str| Err(Error::invalid_input("url", reason));
        let mut parsed = match Url::parse(url) {
            Ok(parsed) => parsed,
            Err(error) => return refused(&format!("not a URL: {error}")),
        };
        if !parsed.username().is_empty() || parsed.password().is_some() || parsed.query().is_some() {
            return refused("credentials and settings have no place in the URL; the token is an argument of its own");
        }
        match parsed.scheme() {
            "libsql" => {
                let https = format!("https{}", &url.trim_start()["libsql".len()..]);
                match Url::parse(&https) {
                    Ok(https) => parsed = https,
                    Err(error) => return refused(&format!("not a URL: {error}")),
                }
            }
            "https" => {}
            "http" if !has_token || is_loopback(&parsed) => {}
            "http" => {
                return refused("a token is not sent unencrypted to another machine; use `https://` or `libsql://`");
            }
            "file" => return refused("a file is opened with `local`, not with `remote`"),
            "ws" | "wss" => return refused("this transport speaks HTTP; use `https://` or `libsql://`"),
            _ => return refused("of an unknown scheme; use `libsql://`, `https://` or `http://`"),
        }
        parsed.set_fragment(None);
        let path = format!("{}/v3/pipeline", parsed.path().trim_end_matches('/'));
        parsed.set_path(&path);
        let port = parsed.port().map_or_else(String::new, |port| format!(":{port}"));
        let host = format!("{}{port}", parsed.host_str().unwrap_or_default());
        Ok(Self { pipeline: parsed, host })
    }

    /// The host that errors name, with the port if the URL has one.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.pipeline.scheme() == "https"
    }

    /// Whether it is plain `http://` on this machine.
    pub(crate) fn is_local(&self) -> bool {
        !self.is_encrypted() && is_loopback(&self.pipeline)
    }

    pub(crate) fn pipeline(&self) -> Url {
        self.pipeline.clone()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pipeline.as_str())
    }
}

/// Returns whether the host is this machine: a loopback address, also IPv4-mapped, or
/// `localhost` and the names below it, which are never resolved elsewhere (RFC
/// 6761, section 6.3).
fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    name.rsplit('.').next() == Some("localhost")
}

type Provided = Pin<Box<dyn Future<Output = Result<String>> + Send>>;

/// The token, or who knows it. Never printed.
#[derive(Clone, Default)]
pub(crate) enum Token {
    #[default]
    None,
    Fixed(HeaderValue),
    Provider(Arc<dyn Fn() -> Provided + Send + Sync>),
}

impl Token {
    /// An empty token is none.
    pub(crate) fn fixed(token: &str) -> Result<Self> {
        if token.is_empty() { Ok(Self::None) } else { header(token).map(Self::Fixed) }
    }

    pub(crate) fn provider<F, T>(provider: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<String>> + Send + 'static,
    {
        Self::Provider(Arc::new(move || Box::pin(provider())))
    }

    pub(crate) const fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// The value of the `Authorization` header.
    pub(crate) async fn header(&self) -> Result<Option<HeaderValue>> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(value) => Ok(Some(value.clone())),
            Self::Provider(provider) => {
                let token = provider().await?;
                if token.is_empty() { Ok(None) } else { header(&token).map(Some) }
            }
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no token",
            Self::Fixed(_) => "a token",
            Self::Provider(_) => "a token provider",
        })
    }
}

fn header(token: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| Error::invalid_input("token", "it holds characters that an HTTP header cannot"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_the_pipelines_url() {
        for (url, pipeline) in [
            ("libsql://memory-me.turso.io", "https://memory-me.turso.io/v3/pipeline"),
            ("https://example.com/db/", "https://example.com/db/v3/pipeline"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v3/pipeline"),
            ("http://[::1]:8080", "http://[::1]:8080/v3/pipeline"),
            ("http://localhost:8080/#top", "http://localhost:8080/v3/pipeline"),
            ("http://Tenant.LOCALHOST:8080", "http://tenant.localhost:8080/v3/pipeline"),
            ("http://localhost.:8080/dev/a", "http://localhost.:8080/dev/a/v3/pipeline"),
            ("http://[::ffff:127.0.0.1]:8080", "http://[::ffff:7f00:1]:8080/v3/pipeline"),
            ("http://127.9.9.9", "http://127.9.9.9/v3/pipeline"),
        ] {
            assert_eq!(Endpoint::parse(url, true).unwrap().pipeline().as_str(), pipeline);
        }
    }

    #[test]
    fn the_host_is_named_with_a_port_that_the_url_has() {
        for (url, host) in [
            ("libsql://memory-me.turso.io/path", "memory-me.turso.io"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("https://[::1]:8443", "[::1]:8443"),
        ] {
            assert_eq!(Endpoint::parse(url, false).unwrap().host(), host);
        }
    }

    #[test]
    fn a_token_is_refused_over_plain_http_to_another_machine() {
        for url in [
            "http://example.com",
            "http://10.0.0.1:8080",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://notlocalhost",
            "http://my-localhost:80",
            "http://localhost..",
            "http://[::ffff:10.0.0.1]",
            "http://[::127.0.0.1]",
        ] {
            let error = Endpoint::parse(url, true).unwrap_err();
            assert!(error.to_string().contains("unencrypted"), "{error}");
            assert!(Endpoint::parse(url, false).is_ok());
        }
    }

    #[test]
    fn other_addresses_are_refused_without_repeating_their_secrets() {
        for url in [
            "",
            "example.com",
            "ftp://example.com",
            "wss://example.com",
            "file:///memory.db",
            "https://me:s3cret@example.com",
            "libsql://example.com?authToken=s3cret",
        ] {
            let error = Endpoint::parse(url, true).unwrap_err();
            assert!(matches!(error, Error::InvalidInput { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    }

    #[test]
    fn a_token_never_shows() {
        let token = Token::fixed("s3cret").unwrap();
        assert_eq!(format!("{token:?}"), "a token");
        assert!(!Token::fixed("").unwrap().is_some());
        let error = Token::fixed("s3cret\n").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}
