//! `cargo xtask serve`

use std::io::{self, Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use memory_benches::InputError;
use memory_lab::{Counters, Lab, LabOptions};

use crate::bench::interrupts;
use crate::duration;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Add this round-trip time, such as `30ms` or `1.5s`
    #[arg(long, value_name = "TIME")]
    rtt: Option<String>,
    /// Let a new connection cost so many round trips beyond its own one, as TLS would
    #[arg(long, value_name = "N", default_value_t = 0)]
    tls_rtts: u32,
    /// Let so many bytes through in a second, each way
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    bandwidth: Option<u64>,
    /// Listen on this port of 127.0.0.1, instead of any that is free
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Keep the database in this file, instead of a temporary one
    #[arg(long, value_name = "PATH")]
    db: Option<PathBuf>,
    /// Ask for this bearer token
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut lab = LabOptions::default();
    if let Some(rtt) = &options.rtt {
        lab.rtt = duration::parse("--rtt", rtt)?;
    }
    lab.tls_rtts = options.tls_rtts;
    lab.bandwidth = options.bandwidth;
    lab.port = options.port;
    lab.database.clone_from(&options.db);
    lab.token = options.token.clone().map(Into::into);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(options, lab))
}

async fn serve(options: &Options, lab: LabOptions) -> Result<()> {
    // Before anybody can know the URL: an interrupt is never missed from then on.
    let mut interrupts = interrupts().context("listen for Ctrl-C")?;
    let lab = Lab::start(lab).await.map_err(|error| refused(options, &error))?;
    writeln!(stdout(), "{}", lab.url())?;
    writeln!(stdout(), "database {}; Ctrl-C stops", lab.database().display())?;
    interrupts.recv().await;
    let counters = lab.counters();
    lab.stop().await;
    writeln!(stdout(), "{}", summary(&counters))?;
    Ok(())
}

fn refused(options: &Options, error: &io::Error) -> InputError {
    let what = match (error.kind(), &options.db) {
        (io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied, _) if options.port != 0 => {
            format!("--port {}", options.port)
        }
        (_, Some(path)) => format!("--db {}", path.display()),
        _ => "the lab does not start".to_owned(),
    };
    InputError::new(format!("{what}: {error}"))
}

fn summary(counters: &Counters) -> String {
    format!(
        "{} connections, {} requests, at most {} at once, {} bytes up, {} bytes down",
        counters.connections, counters.requests, counters.max_in_flight, counters.bytes_up, counters.bytes_down
    )
}
