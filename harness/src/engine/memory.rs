//! How much memory there is, and how much of it a machine may take for what is written in it.

use std::num::NonZero;

/// In bytes, where the system says it (proc_meminfo(5)).
pub(super) fn available_memory() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// For how many machines at once there are memory and processors, with so many more than there are processors, because machines
/// wait for a part of their time. At least one.
#[must_use]
pub fn room(more: usize) -> usize {
    /// What a machine may take while its services run, in bytes. One that idles takes a third of it.
    const EACH: u64 = 256 << 20;
    let wanted = std::thread::available_parallelism().map_or(1, NonZero::get).saturating_add(more);
    let memory = available_memory().map_or(wanted, |memory| usize::try_from(memory / EACH).unwrap_or(wanted));
    wanted.min(memory).max(1)
}

fn parse(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1 << 10)
}

/// How many bytes what is written in a machine may take, while this much memory is available: a quarter, at most 2 GiB. What is
/// put into a machine fits in any case.
#[cfg(target_os = "linux")]
pub(super) fn writable(available: Option<u64>) -> u64 {
    const MOST: u64 = 2 << 30;
    const LEAST: u64 = 64 << 20;
    available.map_or(MOST, |available| (available / 4).clamp(LEAST, MOST))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_is_available_is_read_in_bytes() {
        let meminfo = "MemTotal:       24000000 kB\nMemFree:         100 kB\nMemAvailable:   2048 kB\n";
        assert_eq!(parse(meminfo), Some(2 << 20));
        assert_eq!(parse("MemTotal: 1 kB\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_machine_takes_a_quarter_and_no_more_than_two_gibibytes() {
        use super::writable;
        assert_eq!(writable(Some(4 << 30)), 1 << 30);
        assert_eq!(writable(Some(64 << 30)), 2 << 30);
        assert_eq!(writable(Some(1 << 20)), 64 << 20);
        assert_eq!(writable(None), 2 << 30);
    }
}
