//! Where the server is, and the ways to it.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use memory_storage_turso::lab::{Counters, Proxy, ProxyOptions, Server, ServerOptions};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::settings::{NetworkSettings, ServerAddress};
use crate::Traffic;

/// The server that everybody is measured on, and the runtime that they and,
/// if it is the lab's, it run on.
pub(super) struct Place {
    server: Option<Server>,
    address: ServerAddress,
    rtt: Duration,
    tls_rtts: u32,
    _files: Option<TempDir>,
    // Dropped last, since the others are tasks of it.
    pub(super) runtime: Rc<Runtime>,
}

impl Place {
    pub(super) fn open(settings: &NetworkSettings) -> Result<Self> {
        let runtime = Rc::new(Builder::new_multi_thread().enable_all().build()?);
        let (rtt, tls_rtts) = (settings.rtt, settings.tls_rtts);
        if let Some(address) = settings.server.clone() {
            return Ok(Self { server: None, address, rtt, tls_rtts, _files: None, runtime });
        }
        let files = tempfile::tempdir().context("make a folder for the database")?;
        let options = ServerOptions::new(files.path().join("memory.db"));
        let server = runtime.block_on(Server::start(options)).context("start the lab")?;
        let address = ServerAddress { url: server.url(), token: String::new() };
        Ok(Self { server: Some(server), address, rtt, tls_rtts, _files: Some(files), runtime })
    }

    /// The server itself, around any proxy.
    pub(super) const fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// A way to the server for one contender alone, so that what is counted on
    /// it is that one's.
    pub(super) fn route(&self) -> Result<Route> {
        let Some(server) = &self.server else {
            return Ok(Route { address: self.address.clone(), proxy: None, connecting: 0 });
        };
        let mut options = ProxyOptions::new(server.address());
        options.rtt = self.rtt;
        options.tls_rtts = self.tls_rtts;
        let proxy = self.runtime.block_on(Proxy::start(options)).context("start a proxy of the lab")?;
        let address = ServerAddress { url: proxy.url(), token: String::new() };
        Ok(Route { address, proxy: Some(proxy), connecting: 1 + u64::from(self.tls_rtts) })
    }
}

/// A contender's way to the server.
pub(super) struct Route {
    pub(super) address: ServerAddress,
    proxy: Option<Proxy>,
    /// Round trips that a new connection costs.
    connecting: u64,
}

impl Route {
    /// What went through it so far, where that is counted.
    pub(super) fn counters(&self) -> Option<Counters> {
        self.proxy.as_ref().map(Proxy::counters)
    }

    /// What went through it since.
    pub(super) fn traffic_since(&self, before: Option<Counters>) -> Option<Traffic> {
        let spent = self.counters()? - before?;
        Some(Traffic {
            round_trips: spent.requests + spent.connections * self.connecting,
            connections: Some(spent.connections),
            bytes_up: Some(spent.bytes_up),
            bytes_down: Some(spent.bytes_down),
        })
    }
}
