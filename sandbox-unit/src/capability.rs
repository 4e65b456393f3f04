//! The capabilities of Linux.

/// Every capability, in the order of the kernel's numbers (`CAP_CHOWN` is 0).
///
/// Source: `include/uapi/linux/capability.h`; the last three came with Linux 5.8 and 5.9, and none since.
pub const CAPABILITIES: &[&str] = &[
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// The bits of capabilities, as the kernel's sets have them. A name that is none does not compile where this is a constant.
#[must_use]
pub const fn bits(names: &[&str]) -> u64 {
    let mut bits = 0;
    let mut place = 0;
    while place < names.len() {
        let mut number = 0;
        while !is_same(names[place].as_bytes(), CAPABILITIES[number].as_bytes()) {
            number += 1;
        }
        bits |= 1 << number;
        place += 1;
    }
    bits
}

/// The capabilities that a process can never hold: what is not in the bounding set of its `/proc/PID/status`. None where
/// that has no such set.
#[must_use]
pub fn lacking(status: &str) -> Vec<&'static str> {
    let set = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    let Some(set) = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()) else { return Vec::new() };
    let numbered = CAPABILITIES.iter().enumerate();
    numbered.filter(|(number, _)| set & (1 << number) == 0).map(|(_, name)| *name).collect()
}

/// `==` of byte strings, which no constant can use.
const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut place = 0;
    while place < one.len() && place < other.len() && one[place] == other[place] {
        place += 1;
    }
    place == one.len() && place == other.len()
}

#[cfg(test)]
mod tests {
    use super::{CAPABILITIES, lacking};

    #[test]
    fn the_numbers_are_the_kernels() {
        assert_eq!(CAPABILITIES.len(), 41);
        for (number, name) in
            [(0, "CAP_CHOWN"), (10, "CAP_NET_BIND_SERVICE"), (21, "CAP_SYS_ADMIN"), (34, "CAP_SYSLOG"), (39, "CAP_BPF")]
        {
            assert_eq!(CAPABILITIES.get(number), Some(&name));
        }
    }

    #[test]
    fn what_is_lacking_is_read_from_the_bounding_set() {
        assert_eq!(lacking("Name:\tx\nCapBnd:\t000001fffeffffff\n"), ["CAP_SYS_RESOURCE"]);
        assert_eq!(lacking("CapBnd:\t000001ffffffffff\n"), [] as [&str; 0]);
        assert_eq!(lacking("no such line"), [] as [&str; 0]);
    }
}
