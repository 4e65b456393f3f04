//! How a process becomes a program that is called by its name.

use crate::kernel::{EACCES, ENOENT, ENOTDIR, EXECVE};
use crate::machine::syscall;
use crate::text::Path;

/// Becomes the program of this name, which is looked for in these folders (a colon between two) if it is no path. Returns the
/// error where there is none that can be executed.
pub fn execute(name: &[u8], folders: &[u8], vector: i64, environment: i64) -> i64 {
    let mut error = ENOENT;
    let folders = if name.contains(&b'/') { b"" } else { folders };
    for folder in folders.split(|byte| *byte == b':') {
        let mut path = Path::new();
        if !folder.is_empty() {
            path.push(folder).push(b"/");
        }
        path.push(name).push(b"\0");
        match syscall(EXECVE, [path.address(), vector, environment, 0, 0, 0]) {
            ENOENT | ENOTDIR => {}
            EACCES => error = EACCES,
            other => return other,
        }
    }
    error
}
