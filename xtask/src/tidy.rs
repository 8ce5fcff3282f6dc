//! `cargo xtask tidy`
pub(crate) fn run() -> anyhow::Result<()> {
    Ok(())
}
