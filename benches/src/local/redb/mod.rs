//! The systems `redb` and `raw-redb`, in the workloads of the libSQL ones.

mod by_hand;
mod group;
mod reads;
mod writes;

use std::path::Path;
use std::rc::Rc;

use anyhow::Result;
use memory_storage_redb::RedbStorage;

use self::by_hand::RawRedb;
use super::database::Ours;
use crate::report::Row;
use crate::{Contender, Progress, Settings, Workload};

/// `RedbStorage`.
pub(super) const REDB: &str = "redb";
/// redb by hand, with its defaults.
pub(super) const RAW_REDB: &str = "raw-redb";
/// The system of redb by hand with quick repair, as `RedbStorage` has it.
const RAW_QUICK: &str = "raw-redb-quick";

/// Contenders of one operation, and its name.
type Joining = (String, Vec<Contender>);

/// Adds the systems to the workloads of the same operation.
pub(super) fn join(workloads: &mut [Workload], folder: &Path, settings: &Settings) -> Result<()> {
    let mut joining = writes::contenders(folder, settings)?;
    joining.extend(reads::contenders(folder, settings)?);
    for (operation, contenders) in joining {
        let workload = workloads.iter_mut().find(|workload| workload.operation == operation);
        let workload = workload.ok_or_else(|| anyhow::anyhow!("no workload {operation}"))?;
        workload.contenders.extend(contenders);
    }
    Ok(())
}

/// The rows of group commit.
pub(super) fn rows(folder: &Path, settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    group::rows(folder, settings, progress)
}

/// Ours on a new file of this name.
fn open(folder: &Path, name: &str) -> Result<Ours<RedbStorage>> {
    let builder = RedbStorage::builder().index_metadata("session");
    Ours::new(builder.open(folder.join(format!("{name}.redb"))))
}

/// By hand on a new file of this name.
fn open_raw(folder: &Path, name: &str, quick_repair: bool) -> Result<Rc<RawRedb>> {
    RawRedb::open(&folder.join(format!("{name}.redb")), quick_repair).map(Rc::new)
}
