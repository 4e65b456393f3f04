//! Whose a container is: the tool that has started it, as long as it lives.

use std::fs;

/// The label that names the owner.
pub(super) const LABEL: &str = "io.github.sandbox-unit.owner";

/// Where a tool runs: which boot of which machine, and which of its PID namespaces.
fn place() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

/// When a process was started; `None` if there is none of this number.
fn started(pid: u32) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let (_, rest) = status.rsplit_once(')')?;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

/// The label of a container of this process.
pub(super) fn label() -> (String, String) {
    let pid = std::process::id();
    let owner = place().zip(started(pid)).map(|(place, started)| format!("{place} {pid} {started}"));
    (LABEL.to_owned(), owner.unwrap_or_else(|| "unknown".to_owned()))
}

/// Whether the owner of a container is gone. That of another machine cannot be seen, and counts as alive.
pub(super) fn is_gone(owner: &str) -> bool {
    let mut words = owner.rsplitn(3, ' ');
    let (Some(start), Some(pid), Some(where_it_runs)) = (words.next(), words.next(), words.next()) else {
        return false;
    };
    let Ok(pid) = pid.parse() else { return false };
    place().is_some_and(|place| place == where_it_runs) && started(pid).is_none_or(|started| started != start)
}

#[cfg(test)]
mod tests {
    use super::{is_gone, label};

    #[test]
    #[cfg(target_os = "linux")]
    fn an_owner_is_gone_when_its_process_is() {
        let (_, own) = label();
        assert!(!is_gone(&own));
        let (rest, start) = own.rsplit_once(' ').expect("a start");
        assert!(is_gone(&format!("{rest} {start}1")), "the number has gone to another process");
        let elsewhere = format!("another-boot {}", own.split_once(' ').expect("words").1);
        assert!(!is_gone(&elsewhere) && !is_gone("unknown"));
    }
}
