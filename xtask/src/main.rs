#![doc = include_str!("../README.md")]

mod allocated;
mod bench;
mod copy;
mod duration;
mod plan;
mod serve;
mod soak;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::Parser;
use memory_benches::InputError;

/// The workspace's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Command {
    /// Measure everything, and print a table
    Bench(bench::Options),
    /// Copy all records from one storage to another
    Copy(copy::Options),
    /// Run the lab: a libSQL server on this machine, behind a network
    Serve(serve::Options),
    /// Run what needs luck to find a fault, for long, by seed
    Soak(soak::Options),
    /// Check everything that CI checks
    Test,
    /// Check the house rules
    Tidy(tidy::Options),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Bench(options) => bench::run(&options),
        Command::Copy(options) => copy::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Test => test::run(),
        Command::Tidy(options) => tidy::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<bench::Interrupted>() => {
            eprintln!("{error:#}");
            ExitCode::from(bench::INTERRUPTED)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<InputError>() { 2 } else { 1 })
        }
    }
}
