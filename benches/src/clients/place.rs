//! Where the server is, and the ways to it.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use memory_lab::{Counters, Proxy, ProxyOptions, Server, ServerOptions};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::address::ServerAddress;
use crate::Traffic;

/// The server that everybody is measured on, and the runtime that they run on:
/// one thread, on which a connection is back in its pool before anybody sees
/// the answer that it brought. On several, the next request may be quicker than
/// that, and open another.
pub(crate) struct Place {
    server: Option<Server>,
    address: ServerAddress,
    rtt: Duration,
    tls_rtts: u32,
    _files: Option<TempDir>,
    pub(crate) runtime: Rc<Runtime>,
    /// What the lab runs on. Dropped last, since its parts are tasks of it.
    serving: Option<Rc<Runtime>>,
}

impl Place {
    /// A real server, or without one the lab's, with a network before it.
    pub(crate) fn open(server: Option<ServerAddress>, rtt: Duration, tls_rtts: u32) -> Result<Self> {
        let runtime = Rc::new(Builder::new_current_thread().enable_all().build()?);
        if let Some(address) = server {
            return Ok(Self { server: None, address, rtt, tls_rtts, _files: None, runtime, serving: None });
        }
        let files = tempfile::tempdir().context("make a folder for the database")?;
        let options = ServerOptions::new(files.path().join("memory.db"));
        let serving = Rc::new(Builder::new_multi_thread().enable_all().build()?);
        let server = serving.block_on(Server::start(options)).context("start the lab")?;
        let address = ServerAddress { url: server.url(), token: String::new() };
        Ok(Self { server: Some(server), address, rtt, tls_rtts, _files: Some(files), runtime, serving: Some(serving) })
    }

    /// The server itself, around any proxy.
    pub(crate) const fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// Gives all ways to the lab that are made from here on another round-trip time.
    pub(crate) const fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = rtt;
    }

    /// A way to the server for one contender alone, so that what is counted on
    /// it is that one's.
    pub(crate) fn route(&self) -> Result<Route> {
        let Some((server, serving)) = self.server.as_ref().zip(self.serving.as_ref()) else {
            return Ok(Route { address: self.address.clone(), proxy: None, connecting: 0 });
        };
        let mut options = ProxyOptions::new(server.address());
        options.rtt = self.rtt;
        options.tls_rtts = self.tls_rtts;
        let proxy = serving.block_on(Proxy::start(options)).context("start a proxy of the lab")?;
        let address = ServerAddress { url: proxy.url(), token: String::new() };
        Ok(Route { address, proxy: Some(proxy), connecting: 1 + u64::from(self.tls_rtts) })
    }
}

/// A contender's way to the server.
pub(crate) struct Route {
    pub(crate) address: ServerAddress,
    proxy: Option<Proxy>,
    /// Round trips that a new connection costs.
    connecting: u64,
}

impl Route {
    /// Changes its round-trip time, where that is the lab's.
    pub(crate) fn set_rtt(&self, rtt: Duration) {
        if let Some(proxy) = &self.proxy {
            proxy.set_rtt(rtt);
        }
    }

    /// What went through it so far, where that is counted.
    pub(crate) fn counters(&self) -> Option<Counters> {
        self.proxy.as_ref().map(Proxy::counters)
    }

    /// What went through it since.
    pub(crate) fn traffic_since(&self, before: Option<Counters>) -> Option<Traffic> {
        let spent = self.counters()? - before?;
        Some(Traffic {
            round_trips: spent.requests + spent.connections * self.connecting,
            connections: Some(spent.connections),
            bytes_up: Some(spent.bytes_up),
            bytes_down: Some(spent.bytes_down),
        })
    }
}
