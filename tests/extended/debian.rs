//! Root file systems of Debian, with packages in them.

use crate::program::tool;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// What a machine needs so that units are seen in it as on a whole system.
const BASE: &str = "systemd,systemd-sysv,dbus,libpam-systemd,iproute2";

/// A root file system of this release with these packages. It is made once a target directory.
pub fn root(name: &str, release: &str, packages: &str) -> PathBuf {
    static MAKING: Mutex<()> = Mutex::new(());
    let _one = MAKING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let (root, made) = (folder.join("root"), folder.join("packages"));
    let wanted = format!("{release} {BASE},{packages}");
    if std::fs::read_to_string(&made).is_ok_and(|packages| packages == wanted) {
        return root;
    }
    tool("doctor").assert().success();
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    let mut builder = Command::new("mmdebstrap");
    // The lists of a release that changes every day are soon past their date.
    builder.args(["--mode=root", "--variant=minbase", "--aptopt=Acquire::Check-Valid-Until \"false\""]);
    let built = builder.arg(format!("--include={BASE},{packages}")).arg(release).arg(&root).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    std::fs::write(made, wanted).unwrap();
    root
}
