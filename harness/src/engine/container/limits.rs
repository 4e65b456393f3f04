//! Which resource limits a container can have.
//!
//! Podman raises them as far as the kernel allows, and where its processes may not (they lack `CAP_SYS_RESOURCE`) no
//! container starts. What may always be had are those of the daemon itself.

/// A limit: its name, as engines have it, and both values.
pub(super) type Limit = (&'static str, i64, i64);

/// The limits that are raised: as `/proc/PID/limits` has them and as engines do, and what every process may have that was not
/// held shorter.
const RAISED: &[(&str, Limit)] =
    &[("Max open files", ("nofile", 1024, 4096)), ("Max processes", ("nproc", 1024, 1024))];

/// Whether this is a start that failed because of limits.
pub(super) fn refused(said: &str) -> bool {
    said.contains("setting rlimit") && said.contains("not permitted")
}

/// The limits that the daemon at the other end of this socket has, as far as that can be seen.
pub(super) fn had_by(address: &str) -> Vec<Limit> {
    let shown = super::daemon::file_of_process(address, "limits").unwrap_or_default();
    RAISED.iter().map(|(shown_as, limit)| read(&shown, shown_as, limit.0).unwrap_or(*limit)).collect()
}

/// A limit in `/proc/PID/limits`.
fn read(shown: &str, shown_as: &str, name: &'static str) -> Option<Limit> {
    let mut values = shown.lines().find_map(|line| line.strip_prefix(shown_as))?.split_whitespace();
    let mut value = || values.next().map(|value| value.parse().unwrap_or(-1));
    Some((name, value()?, value()?))
}

#[cfg(test)]
mod tests {
    use super::{read, refused};

    #[test]
    fn limits_are_read_as_the_kernel_shows_them() {
        let shown = "Limit                     Soft Limit           Hard Limit           Units     \n\
                     Max processes             unlimited            96424                processes \n\
                     Max open files            1024                 1048576              files     \n";
        assert_eq!(read(shown, "Max open files", "nofile"), Some(("nofile", 1024, 1_048_576)));
        assert_eq!(read(shown, "Max processes", "nproc"), Some(("nproc", -1, 96424)));
        assert_eq!(read("", "Max processes", "nproc"), None);
    }

    #[test]
    fn a_start_that_failed_because_of_limits_is_known() {
        assert!(refused(
            "error setting rlimits for ready process: error setting rlimit type 7: operation not permitted"
        ));
        assert!(!refused("unable to apply caps: operation not permitted"));
    }
}
